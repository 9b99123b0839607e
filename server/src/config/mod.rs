//! The settings: where they come from ([`Settings`]) and what they mean ([`Config`]). All that is
//! wrong is reported at once.
//!
//! Nothing else in Countersign reads the environment.

mod settings;
mod table;
mod values;

pub use settings::Settings;
pub use table::{DefaultValue, Setting};

use crate::{logs, tls};
use axum::http::uri::Authority;
use countersign_core::{
    Hashing, LimitedAction, Policy, RateLimits,
    store::{DatabaseUrl, InvalidDatabaseUrl},
};
use countersign_types::Span;
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};
use url::{Host, Url};
use values::Reader;

/// Everything that an operator can choose, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, and as whom.
    pub http: Http,
    /// With which certificate HTTPS is spoken; without, somebody in front of us does.
    pub tls: Option<tls::Files>,
    /// Where the data is.
    pub database: DatabaseUrl,
    /// Where the server secret is.
    pub secret: Secret,
    /// How long things live.
    pub policy: Policy,
    /// How hard to hash.
    pub hashing: Hashing,
    /// The file that the introspection secret was read from, if it was.
    pub introspection_secret_file: Option<PathBuf>,
    /// The built site.
    pub site: Site,
    /// What to log, in the syntax of `RUST_LOG`.
    pub log_filter: Option<String>,
}

/// Where to listen, and as whom.
#[derive(Clone, Debug)]
pub struct Http {
    /// The address of the socket.
    pub listen: SocketAddr,
    /// Where people reach us.
    pub public_url: Url,
    /// Further hosts that requests may name, with a port or for any.
    pub allowed_hosts: Vec<Authority>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Whether an access token counts in `x-access-token`, too.
    pub x_access_token: bool,
    /// Whether `/api/v1/auth/verify` tells a proxy who the user is.
    pub identity_headers: bool,
    /// Whom to tell of a vulnerability: URIs, in order of preference (RFC 9116, 2.5.3).
    pub security_contacts: Vec<String>,
    /// What other programs show to be told about tokens (RFC 7662). Without it nobody is told.
    pub introspection_secret: Option<IntrospectionSecret>,
    /// Whether browsers are to reach all subdomains of our host by https, too (RFC 6797, 6.1.2).
    pub hsts_subdomains: bool,
    /// How long a connection may be idle between two requests: 5 seconds to 1 hour.
    pub keep_alive: Span,
    /// How long we go on after SIGTERM, not ready any more, before connections are refused: 0 to
    /// 60 seconds.
    pub shutdown_delay: Span,
}

impl Http {
    /// Longer than proxies and load balancers keep an idle connection by default (nginx and
    /// Amazon's: 60 seconds), so that they close it first.
    pub const DEFAULT_KEEP_ALIVE: Span = Span::seconds(75);
    /// A proxy that asks each second notices, and `docker stop`, which waits for 10 seconds, does
    /// not lose patience.
    pub const DEFAULT_SHUTDOWN_DELAY: Span = Span::seconds(2);

    /// Whether people reach us by https.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether other machines can connect, but are told an address that only this one knows.
    #[must_use]
    pub fn is_local_by_name_only(&self) -> bool {
        !self.listen.ip().to_canonical().is_loopback() && is_loopback(&self.public_url)
    }

    /// The origin of our own pages (RFC 6454), without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }
}

/// Where the server secret is.
#[derive(Clone)]
pub enum Secret {
    /// In the setting itself.
    Given(countersign_core::ServerSecret),
    /// In a file that must be there.
    File(PathBuf),
    /// In our own file, which is made if it is not there.
    Own(PathBuf),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => out.write_str("given by COUNTERSIGN_SECRET"),
            Self::File(path) | Self::Own(path) => write!(out, "file {}", path.display()),
        }
    }
}

/// The built site: what `cargo leptos build` leaves.
#[derive(Clone, Debug)]
pub struct Site {
    /// The folder.
    pub root: PathBuf,
    /// Whether the names of its files carry a hash of their contents, as `hash.txt` beside the
    /// program says.
    pub hashed: bool,
    /// The port of the socket that tells the browser to load again, while `cargo leptos watch`
    /// runs.
    pub reload_port: Option<u32>,
}

/// The database without a setting.
const DEFAULT_DATABASE: &str = "sqlite:data/countersign.db";

/// The port of the reload socket without a setting.
const RELOAD_PORT: u32 = 3001;

impl Config {
    /// Reads and checks everything, or says all that is wrong.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut read = Reader::new(settings);
        let listen: SocketAddr = read
            .parsed(Setting::SiteAddr, "an address such as 127.0.0.1:3000")
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000)));
        let tls = tls_files(&mut read);
        let public_url = public_url(&mut read, listen, tls.is_some());
        let private = is_private(&public_url);
        let allowed_hosts = read.list(
            Setting::AllowedHosts,
            "names such as accounts.internal:3000, separated by commas",
        );
        let trusted_proxies =
            read.list(Setting::TrustedProxies, "networks such as 10.0.0.0/8, separated by commas");
        let cors_origins = cors_origins(&mut read);
        let x_access_token = read.switch(Setting::XAccessToken, false);
        let identity_headers = read.switch(Setting::IdentityHeaders, false);
        let security_contacts = security_contacts(&mut read);
        let (introspection_secret, introspection_secret_file) =
            introspection_secret(&mut read).unzip();
        let database = database(&mut read);
        let hsts_subdomains = read.switch(Setting::HstsSubdomains, false);
        let keep_alive = read.span(
            Setting::KeepAlive,
            Http::DEFAULT_KEEP_ALIVE,
            Span::seconds(5),
            Span::minutes(60),
        );
        let shutdown_delay = read.span(
            Setting::ShutdownDelay,
            Http::DEFAULT_SHUTDOWN_DELAY,
            Span(0),
            Span::seconds(60),
        );
        let secret = secret(&mut read);
        let policy = policy(&mut read, &public_url, private);
        let hashing = hashing(&mut read, private);
        if read.text(Setting::Mail).is_some_and(|mail| mail != "none") {
            read.wrong(Setting::Mail, "must be none: this version sends no mail");
        }
        let site = site(&mut read);
        let log_filter = read.text(Setting::RustLog);
        if log_filter.as_deref().is_some_and(|filter| !logs::is_filter(filter)) {
            read.wrong(Setting::RustLog, "must be a filter such as info,sqlx=warn");
        }
        read.finish(Self {
            http: Http {
                listen,
                public_url,
                allowed_hosts,
                trusted_proxies,
                cors_origins,
                x_access_token,
                identity_headers,
                security_contacts,
                introspection_secret,
                hsts_subdomains,
                keep_alive,
                shutdown_delay,
            },
            tls,
            database,
            secret,
            policy,
            hashing,
            introspection_secret_file: introspection_secret_file.flatten(),
            site,
            log_filter,
        })
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, String)> {
        Setting::all().map(|setting| (setting.name(), setting.shown(self)))
    }

    /// A line for each setting.
    #[must_use]
    pub fn to_text(&self) -> String {
        let width = Setting::all().map(|setting| setting.name().len()).max().unwrap_or(0);
        self.rows()
            .map(|(name, value)| format!("{name:<width$} {value}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// An object with a member for each setting.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows: serde_json::Map<_, _> =
            self.rows().map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::Value::Object(rows).to_string()
    }
}

fn database(read: &mut Reader<'_>) -> DatabaseUrl {
    let parsed = read.text(Setting::DatabaseUrl).as_deref().unwrap_or(DEFAULT_DATABASE).parse();
    parsed.unwrap_or_else(|invalid: InvalidDatabaseUrl| {
        read.wrong(Setting::DatabaseUrl, &invalid.to_string());
        DatabaseUrl::Sqlite(PathBuf::new())
    })
}

fn tls_files(read: &mut Reader<'_>) -> Option<tls::Files> {
    match (read.text(Setting::TlsCert), read.text(Setting::TlsKey)) {
        (Some(certificate), Some(key)) => {
            Some(tls::Files { certificate: certificate.into(), key: key.into() })
        }
        (None, None) => None,
        (Some(_), None) => {
            read.wrong(Setting::TlsKey, "is missing: the private key of COUNTERSIGN_TLS_CERT");
            None
        }
        (None, Some(_)) => {
            read.wrong(Setting::TlsCert, "is missing: the certificate of COUNTERSIGN_TLS_KEY");
            None
        }
    }
}

fn public_url(read: &mut Reader<'_>, listen: SocketAddr, tls: bool) -> Url {
    let scheme = if tls { "https" } else { "http" };
    let local = || {
        Url::parse(&format!("{scheme}://localhost:{}", listen.port())).expect("a URL with a port")
    };
    let Some(text) = read.text(Setting::PublicUrl) else { return local() };
    let parsed = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let Some(url) = parsed else {
        read.wrong(Setting::PublicUrl, "must be the address that people reach this server by, such as https://accounts.example.com");
        return local();
    };
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        read.wrong(Setting::PublicUrl, "must be an origin, without a path, a query or a user");
    }
    if url.scheme() == "http" && tls {
        read.wrong(
            Setting::PublicUrl,
            "must begin with https://, because COUNTERSIGN_TLS_CERT is set",
        );
    } else if url.scheme() == "http" && !is_private(&url) {
        read.wrong(Setting::PublicUrl, "must begin with https:// on a public address: passwords and tokens would travel in the open");
    }
    url
}

/// Exact origins (RFC 6454): scheme, host and port, as browsers write them.
fn cors_origins(read: &mut Reader<'_>) -> Vec<String> {
    let origins: Vec<String> = read.list(Setting::CorsOrigins, "origins");
    for text in &origins {
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && !text.contains('*')
                && url.origin().ascii_serialization() == *text
        });
        match url {
            None => {
                read.wrong(
                    Setting::CorsOrigins,
                    "must be exact origins such as https://app.example.com, separated by commas, in lower case and without a slash at the end",
                );
            }
            Some(url) if url.scheme() == "http" && !is_private(&url) => {
                read.wrong(
                    Setting::CorsOrigins,
                    "may name an http:// origin only on this machine or a private network",
                );
            }
            Some(_) => {}
        }
    }
    origins
}

/// URIs that a person can use (RFC 9116, 2.5.3): an address alone must be written as `mailto:`.
fn security_contacts(read: &mut Reader<'_>) -> Vec<String> {
    let contacts: Vec<String> = read.list(Setting::SecurityContact, "URIs");
    let is_contact = |text: &String| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        plain
            && Url::parse(text).is_ok_and(|url| {
                matches!(url.scheme(), "mailto" | "https" | "tel") && !url.path().is_empty()
            })
    };
    if !contacts.iter().all(is_contact) {
        read.wrong(Setting::SecurityContact, "must be mailto:, https: or tel: URIs such as mailto:security@example.com, separated by commas");
    }
    contacts
}

/// Whether a URL leads to this machine or to a private network.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(Host::Ipv6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Some(Host::Domain(name)) => {
            is_loopback(url)
                || matches!(name.rsplit('.').next(), Some("local" | "internal" | "test"))
        }
        None => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn secret(read: &mut Reader<'_>) -> Secret {
    match (read.text(Setting::Secret), read.text(Setting::SecretFile)) {
        (Some(_), Some(_)) => {
            read.wrong(Setting::Secret, "and COUNTERSIGN_SECRET_FILE are both set: remove one");
            Secret::Own(PathBuf::new())
        }
        (Some(text), None) => match countersign_core::ServerSecret::parse(&text) {
            Ok(secret) => Secret::Given(secret),
            Err(weak) => {
                read.wrong(
                    Setting::Secret,
                    &format!("{weak}; make one with `countersign secret new`"),
                );
                Secret::Own(PathBuf::new())
            }
        },
        (None, Some(path)) => Secret::File(path.into()),
        (None, None) => Secret::Own("data/secret".into()),
    }
}

/// The secret of programs that ask about tokens. It is compared, never shown.
#[derive(Clone)]
pub struct IntrospectionSecret(pub(crate) String);

impl IntrospectionSecret {
    /// From its text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for IntrospectionSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("IntrospectionSecret(…)")
    }
}

/// The secret, with the file that it was read from.
fn introspection_secret(read: &mut Reader<'_>) -> Option<(IntrospectionSecret, Option<PathBuf>)> {
    let (text, file) = match (
        read.text(Setting::IntrospectionSecret),
        read.text(Setting::IntrospectionSecretFile),
    ) {
        (Some(_), Some(_)) => {
            read.wrong(
                Setting::IntrospectionSecret,
                "and COUNTERSIGN_INTROSPECTION_SECRET_FILE are both set: remove one",
            );
            return None;
        }
        (Some(text), None) => (text, None),
        (None, Some(path)) => {
            let Ok(text) = std::fs::read_to_string(&path) else {
                read.wrong(Setting::IntrospectionSecretFile, "names a file that cannot be read");
                return None;
            };
            if std::fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0) {
                read.wrong(
                    Setting::IntrospectionSecretFile,
                    "names a file that every user of this machine can read: chmod 600 it",
                );
            }
            (text.trim().to_owned(), Some(path.into()))
        }
        (None, None) => return None,
    };
    // The same rule as for the server secret: 32 random bytes.
    if let Err(weak) = countersign_core::ServerSecret::parse(&text) {
        let setting = if file.is_some() {
            Setting::IntrospectionSecretFile
        } else {
            Setting::IntrospectionSecret
        };
        read.wrong(setting, &format!("{weak}; make one with `countersign secret new`"));
    }
    Some((IntrospectionSecret(text), file))
}

fn policy(read: &mut Reader<'_>, public_url: &Url, private: bool) -> Policy {
    let defaults = Policy::new(&public_url.origin().ascii_serialization());
    let shortest =
        if private && is_loopback(public_url) { Span::seconds(2) } else { Span::minutes(1) };
    let access =
        read.span(Setting::AccessTtl, defaults.access, shortest, countersign_core::LONGEST_ACCESS);
    let absolute =
        read.span(Setting::SessionMax, defaults.absolute, Span::minutes(1), Span::days(400));
    let idle = read.span(Setting::SessionIdle, defaults.idle, Span::minutes(1), Span::days(400));
    let grace = read.span(Setting::RefreshGrace, defaults.grace, Span(0), Span::seconds(60));
    let limits = limits(read, public_url);
    Policy { access, absolute, idle, grace, limits, ..defaults }
}

/// The rate limits: all of them on or off, and each by a setting of its own.
fn limits(read: &mut Reader<'_>, public_url: &Url) -> RateLimits {
    let mut limits = RateLimits::default();
    for action in LimitedAction::ALL {
        let rule = action.rule();
        let limit = read.rate_limit(Setting::Limit(*action), rule.default);
        if limit.is_none() && !rule.may_be_off && !is_loopback(public_url) {
            read.wrong(Setting::Limit(*action), "can be off only where people reach this server by a loopback address: passwords could be guessed without end");
        }
        limits.set(*action, limit);
    }
    if read.switch(Setting::RateLimits, true) {
        return limits;
    }
    if !is_loopback(public_url) {
        read.wrong(Setting::RateLimits, "can be off only where people reach this server by a loopback address: it is for tests and benchmarks");
    }
    RateLimits::off()
}

fn hashing(read: &mut Reader<'_>, private: bool) -> Hashing {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let defaults = Hashing::new(cores);
    let threads = read.number(Setting::HashThreads, defaults.threads, 1, 256);
    let queue = read.number(Setting::HashQueue, defaults.queue, 1, 10_000);
    let Some(text) = read.text(Setting::Argon2) else {
        return Hashing { threads, queue, ..defaults };
    };
    match values::argon2(&text) {
        // The rows of ASVS 5.0 appendix C: less memory needs more passes.
        Some((m, t, p))
            if private
                || (m >= 47_104 || m >= 19_456 && t >= 2 || m >= 12_288 && t >= 3) && p == 1 =>
        {
            Hashing { m, t, p, threads, queue }
        }
        Some(_) => {
            read.wrong(
                Setting::Argon2,
                "is too weak: at least m=19456,t=2,p=1 or m=12288,t=3,p=1 or m=47104,t=1,p=1",
            );
            defaults
        }
        None => {
            read.wrong(
                Setting::Argon2,
                "must look like m=19456,t=2,p=1 (memory in KiB, passes, lanes)",
            );
            defaults
        }
    }
}

fn site(read: &mut Reader<'_>) -> Site {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf))
        .unwrap_or_default();
    let root = read.text(Setting::SiteRoot).map_or_else(
        || {
            [beside.join("site"), beside.join("../site")]
                .into_iter()
                .find(|folder| folder.is_dir())
                .unwrap_or_else(|| "target/site".into())
        },
        PathBuf::from,
    );
    let hashed = read
        .parsed(Setting::HashFiles, "true or false")
        .unwrap_or_else(|| beside.join("hash.txt").is_file());
    // Set by `cargo leptos watch`, for the page and for its policy.
    let port = read
        .parsed::<u16>(Setting::ReloadPort, "a port such as 3001")
        .map_or(RELOAD_PORT, u32::from);
    let reload_port = read.text(Setting::Watch).filter(|value| value != "off").map(|_| port);
    Site { root, hashed, reload_port }
}

#[cfg(test)]
mod tests;
