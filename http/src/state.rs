//! The state of this crate, shared by its middleware and its handlers, and the settings that it is
//! built from. The state of the pages is not here but in the program.

use crate::{
    allowed_hosts::AllowedHosts, budgets::Budgets, config_warnings::ConfigWarnings,
    cookies::CookieNames, export_slots::ExportSlots,
};
use countersign_core::Auth;
use countersign_types::ReturnUrls;
use http::uri::Authority;
use ipnet::IpNet;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use url::Url;

/// The settings of this crate. The program reads them.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The URL that users open.
    pub public_url: Url,
    /// Additional hosts that are accepted. A host without a port allows any port.
    pub allowed_hosts: Vec<Authority>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Whether access tokens are accepted in `x-access-token`.
    pub x_access_token: bool,
    /// Whether `/api/v1/auth/verify` sends the user ID and roles to a proxy.
    pub identity_headers: bool,
    /// Contacts for vulnerability reports: URIs, in order of preference (RFC 9116, 2.5.3).
    pub security_contacts: Vec<String>,
    /// The secret for token introspection (RFC 7662). Without it, introspection is rejected.
    pub introspection_secret: Option<IntrospectionSecret>,
    /// Whether HSTS includes all subdomains of the host (RFC 6797, 6.1.2).
    pub hsts_subdomains: bool,
    /// The applications to which users return after a log-in.
    pub return_urls: ReturnUrls,
}

impl HttpSettings {
    /// Returns the default settings with this public URL.
    #[must_use]
    pub const fn new(public_url: Url) -> Self {
        Self {
            public_url,
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            x_access_token: false,
            identity_headers: false,
            security_contacts: Vec::new(),
            introspection_secret: None,
            hsts_subdomains: false,
            return_urls: ReturnUrls { default_url: None, origins: Vec::new() },
        }
    }

    /// Returns whether the public URL uses https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Returns the origin of the server's own pages (RFC 6454), without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }
}

/// The secret for token introspection. It is compared and never printed.
#[derive(Clone)]
pub struct IntrospectionSecret(String);

impl IntrospectionSecret {
    /// Creates the secret from its text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the bytes, to compare them.
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for IntrospectionSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IntrospectionSecret(…)")
    }
}

/// The state. Clones share it.
#[derive(Clone)]
pub struct HttpState(Arc<Inner>);

struct Inner {
    auth: Auth,
    settings: HttpSettings,
    is_secure: bool,
    origin: String,
    cookies: CookieNames,
    hosts: AllowedHosts,
    budgets: Budgets,
    export_slots: ExportSlots,
    config_warnings: ConfigWarnings,
    stopping: AtomicBool,
}

impl HttpState {
    /// Creates the state from the core and the settings.
    #[must_use]
    pub fn new(auth: Auth, settings: HttpSettings) -> Self {
        Self(Arc::new(Inner {
            auth,
            is_secure: settings.is_secure(),
            origin: settings.origin(),
            cookies: CookieNames::new(&settings.public_url),
            hosts: AllowedHosts::new(&settings.public_url, &settings.allowed_hosts),
            settings,
            budgets: Budgets::default(),
            export_slots: ExportSlots::default(),
            config_warnings: ConfigWarnings::default(),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Returns the core.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// Returns the names of the cookies.
    #[must_use]
    pub fn cookies(&self) -> &CookieNames {
        &self.0.cookies
    }

    /// Returns the origin of the server's own pages, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Returns the proxies whose `X-Forwarded-For` is trusted.
    #[must_use]
    pub fn trusted_proxies(&self) -> &[IpNet] {
        &self.0.settings.trusted_proxies
    }

    /// Returns the slots of all exports in progress.
    #[must_use]
    pub fn export_slots(&self) -> &ExportSlots {
        &self.0.export_slots
    }

    /// Makes `/readyz` report that the server is not ready.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::SeqCst)
    }

    /// The applications to which users return after a log-in.
    #[must_use]
    pub fn return_urls(&self) -> &ReturnUrls {
        &self.0.settings.return_urls
    }

    pub(crate) fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.is_secure
    }

    pub(crate) fn hosts(&self) -> &AllowedHosts {
        &self.0.hosts
    }

    pub(crate) fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    pub(crate) fn config_warnings(&self) -> &ConfigWarnings {
        &self.0.config_warnings
    }
}
