//! The settings that belong together, as the rest of the program reads them.

use super::{
    brand::{BrandName, ImageFile, LinkUrl},
    table::Config,
    types::is_loopback,
    value::SettingValue,
};
use crate::{
    brand::{BrandSettings, SiteBrand},
    messages, tls,
};
use countersign_core::{
    HashingConfig, Policy, RateLimits, ServerSecret, Verification,
    mail::{MailAccent, MailConfig},
    store::DatabaseUrl,
};
use countersign_http::HttpSettings;
use countersign_leptos::brand::BrandParts;
use countersign_types::ReturnUrls;
use std::path::{Path, PathBuf};
use url::Url;

impl Config {
    /// Returns these settings for a demonstration, with a database and a secret of its own.
    ///
    /// Its addresses can't receive email, so no log-in requires that they are verified.
    #[must_use]
    pub fn for_demo(self, database: PathBuf, secret: ServerSecret) -> Self {
        let verification = match self.verification() {
            Verification::Required => Verification::Optional,
            verification @ (Verification::Optional | Verification::Off) => verification,
        };
        Self {
            database: DatabaseUrl::Sqlite(database),
            secret: Some(secret),
            verification: Some(verification),
            ..self
        }
    }

    /// Returns the HTTP settings: public URL, proxies, CORS.
    #[must_use]
    pub fn http(&self) -> HttpSettings {
        let file = self.introspection_secret_file.as_ref();
        HttpSettings {
            public_url: self.public_url(),
            allowed_hosts: self.allowed_hosts.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            cors_origins: self.cors_origins.iter().map(SettingValue::to_text).collect(),
            x_access_token: self.x_access_token,
            identity_headers: self.identity_headers,
            security_contacts: self.security_contacts.iter().map(SettingValue::to_text).collect(),
            introspection_secret: file
                .map(|file| &file.secret)
                .or(self.introspection_secret.as_ref())
                .cloned(),
            hsts_subdomains: self.hsts_subdomains,
            return_urls: self.return_urls(),
        }
    }

    /// Returns where users may continue after a log-in.
    fn return_urls(&self) -> ReturnUrls {
        let default_url = self.brand_app_url.as_ref().map(|url| url.0.clone());
        let app = default_url.as_deref().and_then(|url| Url::parse(url).ok());
        let app = app.map(|url| url.origin().ascii_serialization());
        let listed = self.brand_return_to.iter().map(|origin| origin.0.clone());
        ReturnUrls { default_url, origins: listed.chain(app).collect() }
    }

    /// Returns the configured public URL, or the local address.
    pub(super) fn public_url(&self) -> Url {
        let scheme = if self.tls().is_some() { "https" } else { "http" };
        self.public_url.as_ref().map_or_else(
            || {
                Url::parse(&format!("{scheme}://localhost:{}", self.address.port()))
                    .expect("a URL with a port")
            },
            |url| url.0.clone(),
        )
    }

    /// Returns whether the server listens on an external address, but its public URL is a loopback
    /// address.
    #[must_use]
    pub fn is_local_by_name_only(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback() && is_loopback(&self.public_url())
    }

    /// Returns certificate and private key for HTTPS. Without them, a proxy terminates TLS.
    #[must_use]
    pub fn tls(&self) -> Option<tls::CertificatePaths> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(tls::CertificatePaths { certificate, key })
    }

    /// Returns the source of the server secret.
    #[must_use]
    pub fn secret(&self) -> Secret {
        match (&self.secret, &self.secret_file) {
            (Some(secret), _) => Secret::Given(secret.clone()),
            (None, Some(path)) => Secret::File(path.clone()),
            (None, None) => Secret::Generated("data/secret".into()),
        }
    }

    /// Returns the token lifetimes, session timeouts and rate limits.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            issuer: self.public_url().origin().ascii_serialization(),
            access_token_ttl: self.access_ttl,
            absolute_timeout: self.session_max,
            idle_timeout: self.session_idle,
            refresh_grace: self.refresh_grace,
            sign_ups: self.sign_up,
            verification: self.verification(),
            limits: self.rate_limits(),
        }
    }

    /// Returns the rate limits in force.
    pub(super) fn rate_limits(&self) -> RateLimits {
        if self.are_limits_on { self.limits.clone() } else { RateLimits::off() }
    }

    /// Returns the parameters of password hashing.
    #[must_use]
    pub const fn hashing(&self) -> HashingConfig {
        HashingConfig {
            memory_kib: self.argon2.memory_kib,
            iterations: self.argon2.iterations,
            parallelism: self.argon2.parallelism,
            threads: self.hash_threads,
            queue_capacity: self.hash_queue,
        }
    }

    /// Returns whether addresses must be verified.
    #[must_use]
    pub fn verification(&self) -> Verification {
        let has_mail = self.mail_transport.0.is_some();
        let default = if has_mail { Verification::Required } else { Verification::Off };
        self.verification.unwrap_or(default)
    }

    /// Returns how emails are sent, or `None` if this server sends none.
    #[must_use]
    pub fn mail(&self) -> Option<MailConfig> {
        let (transport, from) = (self.mail_transport.0.clone()?, self.mail_from.as_ref()?);
        let reply_to = self.mail_reply_to.as_ref().map(|reply_to| reply_to.0.as_str());
        // Both addresses were checked when the settings were read.
        let config = MailConfig::new(transport, &from.0, reply_to, &self.brand_name.0).ok()?;
        let accent = self.brand_accent.map_or_else(MailAccent::default, |accent| MailAccent {
            light: accent.0.accent.to_string(),
            dark: accent.0.accent_dark.to_string(),
        });
        let logo = self.brand_logo.as_ref().and_then(ImageFile::for_mail);
        Some(config.with_logo(logo).with_accent(accent))
    }

    /// Returns the brand of the pages.
    #[must_use]
    pub fn brand(&self) -> SiteBrand {
        let file = |image: &Option<ImageFile>| image.as_ref().map(|image| image.file.clone());
        let url = |url: &Option<LinkUrl>| url.as_ref().map(|url| url.0.clone());
        SiteBrand::new(BrandSettings {
            parts: BrandParts {
                name: self.brand_name.0.clone(),
                has_custom_name: self.brand_name != BrandName::default(),
                tagline: self.brand_tagline.as_ref().map(|tagline| tagline.0.clone()),
                app_url: url(&self.brand_app_url),
                palette: self.brand_accent.map(|accent| accent.0),
                layout: self.brand_layout,
                theme: self.brand_theme.0,
                terms: url(&self.brand_terms),
                privacy: url(&self.brand_privacy),
                support: url(&self.brand_support),
                ..BrandParts::default()
            },
            radius: self.brand_radius,
            logo: file(&self.brand_logo),
            logo_dark: file(&self.brand_logo_dark),
            icon: file(&self.brand_icon),
            image: self.brand_image.as_ref().map(|image| image.0.file.clone()),
            font: self.brand_font.as_ref().map(|font| font.font.clone()),
            css: self.brand_css.as_ref().map(|style| style.css.clone()),
        })
    }

    /// Replaces the messages of pages and emails in this process. Called once, before any is read.
    pub fn replace_messages(&self) {
        if let Some(file) = &self.brand_messages {
            messages::replace(file.replacements.clone());
        }
    }

    /// Returns the built site.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            root: self.site_root.clone(),
            hashed: self.hash_files.0,
            // The page and its content security policy need it.
            reload_port: self.watch.0.then_some(self.reload_port.into()),
            brand: self.brand(),
            has_gallery: self.gallery,
            is_demo: false,
        }
    }
}

/// The source of the server secret.
#[derive(Clone)]
pub enum Secret {
    /// The value of the setting.
    Given(ServerSecret),
    /// A file, which must exist.
    File(PathBuf),
    /// The default file, which is generated if it doesn't exist.
    Generated(PathBuf),
}

impl Secret {
    /// Returns the file that contains the secret or is generated.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Given(_) => None,
            Self::File(path) | Self::Generated(path) => Some(path),
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => out.write_str("given by COUNTERSIGN_SECRET"),
            Self::File(path) | Self::Generated(path) => write!(out, "file {}", path.display()),
        }
    }
}

/// The built site, as produced by `cargo leptos build`, and its brand.
#[derive(Clone)]
pub struct Site {
    /// The directory.
    pub root: PathBuf,
    /// Whether file names contain a hash of the content, as indicated by `hash.txt` beside the
    /// program.
    pub hashed: bool,
    /// The port of the reload socket, while `cargo leptos watch` runs.
    pub reload_port: Option<u32>,
    /// The brand of the pages.
    pub brand: SiteBrand,
    /// Whether the server has the component gallery.
    pub has_gallery: bool,
    /// Whether pages say that the server is a demonstration.
    pub is_demo: bool,
}
