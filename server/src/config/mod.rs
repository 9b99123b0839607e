//! The settings: their sources ([`Settings`]) and their meaning ([`Config`]). All errors are
//! reported together.
//!
//! Only this module reads the environment.

mod parse;
mod settings;
mod table;
mod text;
mod values;

pub use settings::Settings;
pub use table::{DefaultValue, Setting};
pub use values::{Config, Listener, Secret, Site};

use crate::{logging, tls};
use countersign_core::{
    HashingConfig, LimitedAction, Policy, RateLimits,
    store::{DatabaseUrl, InvalidDatabaseUrl},
};
use countersign_http::{HttpSettings, IntrospectionSecret};
use countersign_types::TimeSpan;
use parse::SettingsReader;
use std::{
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};
use url::{Host, Url};
use values::{DEFAULT_DATABASE, RELOAD_PORT};

impl Config {
    /// Reads and validates all settings. Returns all errors.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut read = SettingsReader::new(settings);
        let listen: SocketAddr = read
            .parse(Setting::SiteAddr, "an IP address and port such as 127.0.0.1:3000")
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000)));
        let tls = certificate_paths(&mut read);
        let public_url = public_url(&mut read, listen, tls.is_some());
        let private = is_private(&public_url);
        let allowed_hosts = read.list(
            Setting::AllowedHosts,
            "hosts such as accounts.internal:3000, separated by commas",
        );
        let trusted_proxies =
            read.list(Setting::TrustedProxies, "networks such as 10.0.0.0/8, separated by commas");
        let cors_origins = cors_origins(&mut read);
        let x_access_token = read.on_off(Setting::XAccessToken, false);
        let identity_headers = read.on_off(Setting::IdentityHeaders, false);
        let security_contacts = security_contacts(&mut read);
        let (introspection_secret, introspection_secret_file) =
            introspection_secret(&mut read).unzip();
        let database = database(&mut read);
        let hsts_subdomains = read.on_off(Setting::HstsSubdomains, false);
        let keep_alive = read.duration(
            Setting::KeepAlive,
            Listener::DEFAULT_KEEP_ALIVE,
            TimeSpan::seconds(5),
            TimeSpan::minutes(60),
        );
        let shutdown_delay = read.duration(
            Setting::ShutdownDelay,
            Listener::DEFAULT_SHUTDOWN_DELAY,
            TimeSpan(0),
            TimeSpan::seconds(60),
        );
        let secret = secret(&mut read);
        let policy = policy(&mut read, &public_url, private);
        let hashing = hashing(&mut read, private);
        if read.text(Setting::Mail).is_some_and(|mail| mail != "none") {
            read.add_error(Setting::Mail, "must be none: this version sends no email");
        }
        let site = site(&mut read);
        let log_filter = read.text(Setting::RustLog);
        if log_filter.as_deref().is_some_and(|filter| !logging::is_filter(filter)) {
            read.add_error(Setting::RustLog, "must be a filter such as info,sqlx=warn");
        }
        read.finish(Self {
            listener: Listener { address: listen, keep_alive, shutdown_delay },
            http: HttpSettings {
                public_url,
                allowed_hosts,
                trusted_proxies,
                cors_origins,
                x_access_token,
                identity_headers,
                security_contacts,
                introspection_secret,
                hsts_subdomains,
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

    /// Returns whether the server listens on an external address, but its public URL is a loopback
    /// address.
    #[must_use]
    pub fn is_local_by_name_only(&self) -> bool {
        !self.listener.address.ip().to_canonical().is_loopback()
            && is_loopback(&self.http.public_url)
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, String)> {
        Setting::all().map(|setting| (setting.name(), setting.display_value(self)))
    }

    /// Returns one line per setting.
    #[must_use]
    pub fn to_text(&self) -> String {
        let width = Setting::all().map(|setting| setting.name().len()).max().unwrap_or(0);
        self.rows()
            .map(|(name, value)| format!("{name:<width$} {value}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Returns a JSON object with one member per setting.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows: serde_json::Map<_, _> =
            self.rows().map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::Value::Object(rows).to_string()
    }
}

fn database(read: &mut SettingsReader<'_>) -> DatabaseUrl {
    let parsed = read.text(Setting::DatabaseUrl).as_deref().unwrap_or(DEFAULT_DATABASE).parse();
    parsed.unwrap_or_else(|invalid: InvalidDatabaseUrl| {
        read.add_error(Setting::DatabaseUrl, &invalid.to_string());
        DatabaseUrl::Sqlite(PathBuf::new())
    })
}

fn certificate_paths(read: &mut SettingsReader<'_>) -> Option<tls::CertificatePaths> {
    match (read.text(Setting::TlsCert), read.text(Setting::TlsKey)) {
        (Some(certificate), Some(key)) => {
            Some(tls::CertificatePaths { certificate: certificate.into(), key: key.into() })
        }
        (None, None) => None,
        (Some(_), None) => {
            read.add_error(
                Setting::TlsKey,
                "is missing: set it to the private key of COUNTERSIGN_TLS_CERT",
            );
            None
        }
        (None, Some(_)) => {
            read.add_error(
                Setting::TlsCert,
                "is missing: set it to the certificate of COUNTERSIGN_TLS_KEY",
            );
            None
        }
    }
}

fn public_url(read: &mut SettingsReader<'_>, listen: SocketAddr, tls: bool) -> Url {
    let scheme = if tls { "https" } else { "http" };
    let local = || {
        Url::parse(&format!("{scheme}://localhost:{}", listen.port())).expect("a URL with a port")
    };
    let Some(text) = read.text(Setting::PublicUrl) else { return local() };
    let parsed = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let Some(url) = parsed else {
        read.add_error(
            Setting::PublicUrl,
            "must be the URL that users open, such as https://accounts.example.com",
        );
        return local();
    };
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        read.add_error(Setting::PublicUrl, "must be an origin, without path, query or user name");
    }
    if url.scheme() == "http" && tls {
        read.add_error(
            Setting::PublicUrl,
            "must start with https://, because COUNTERSIGN_TLS_CERT is set",
        );
    } else if url.scheme() == "http" && !is_private(&url) {
        read.add_error(
            Setting::PublicUrl,
            "must start with https:// on a public address: otherwise passwords and tokens are sent \
             unencrypted",
        );
    }
    url
}

/// Reads exact origins (RFC 6454): scheme, host and port, as browsers send them.
fn cors_origins(read: &mut SettingsReader<'_>) -> Vec<String> {
    let origins: Vec<String> = read.list(Setting::CorsOrigins, "origins");
    for text in &origins {
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && !text.contains('*')
                && url.origin().ascii_serialization() == *text
        });
        match url {
            None => {
                read.add_error(
                    Setting::CorsOrigins,
                    "must be exact origins such as https://app.example.com, separated by commas, \
                     in lower case and without a trailing slash",
                );
            }
            Some(url) if url.scheme() == "http" && !is_private(&url) => {
                read.add_error(
                    Setting::CorsOrigins,
                    "may contain http:// origins only for loopback and private addresses",
                );
            }
            Some(_) => {}
        }
    }
    origins
}

/// Reads contact URIs (RFC 9116, 2.5.3). An email address must be written as `mailto:`.
fn security_contacts(read: &mut SettingsReader<'_>) -> Vec<String> {
    let contacts: Vec<String> = read.list(Setting::SecurityContact, "URIs");
    let is_contact = |text: &String| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        plain
            && Url::parse(text).is_ok_and(|url| {
                matches!(url.scheme(), "mailto" | "https" | "tel") && !url.path().is_empty()
            })
    };
    if !contacts.iter().all(is_contact) {
        read.add_error(
            Setting::SecurityContact,
            "must be mailto:, https: or tel: URIs such as mailto:security@example.com, \
             separated by commas",
        );
    }
    contacts
}

/// Returns whether the host of a URL is this machine or in a private network.
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

fn secret(read: &mut SettingsReader<'_>) -> Secret {
    match (read.text(Setting::Secret), read.text(Setting::SecretFile)) {
        (Some(_), Some(_)) => {
            read.add_error(Setting::Secret, "and COUNTERSIGN_SECRET_FILE are both set: remove one");
            Secret::Generated(PathBuf::new())
        }
        (Some(text), None) => match countersign_core::ServerSecret::parse(&text) {
            Ok(secret) => Secret::Given(secret),
            Err(weak) => {
                read.add_error(
                    Setting::Secret,
                    &format!("{weak}; generate one with `countersign secret new`"),
                );
                Secret::Generated(PathBuf::new())
            }
        },
        (None, Some(path)) => Secret::File(path.into()),
        (None, None) => Secret::Generated("data/secret".into()),
    }
}

/// Reads the introspection secret, and the file that it comes from.
fn introspection_secret(
    read: &mut SettingsReader<'_>,
) -> Option<(IntrospectionSecret, Option<PathBuf>)> {
    let (text, file) = match (
        read.text(Setting::IntrospectionSecret),
        read.text(Setting::IntrospectionSecretFile),
    ) {
        (Some(_), Some(_)) => {
            read.add_error(
                Setting::IntrospectionSecret,
                "and COUNTERSIGN_INTROSPECTION_SECRET_FILE are both set: remove one",
            );
            return None;
        }
        (Some(text), None) => (text, None),
        (None, Some(path)) => {
            let Ok(text) = std::fs::read_to_string(&path) else {
                read.add_error(Setting::IntrospectionSecretFile, "names a file that can't be read");
                return None;
            };
            if std::fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0) {
                read.add_error(
                    Setting::IntrospectionSecretFile,
                    "names a file that is readable by all users: run chmod 600",
                );
            }
            (text.trim().to_owned(), Some(path.into()))
        }
        (None, None) => return None,
    };
    // The same requirement as for the server secret: 32 random bytes.
    if let Err(weak) = countersign_core::ServerSecret::parse(&text) {
        let setting = if file.is_some() {
            Setting::IntrospectionSecretFile
        } else {
            Setting::IntrospectionSecret
        };
        read.add_error(setting, &format!("{weak}; generate one with `countersign secret new`"));
    }
    Some((IntrospectionSecret::new(text), file))
}

fn policy(read: &mut SettingsReader<'_>, public_url: &Url, private: bool) -> Policy {
    let defaults = Policy::new(&public_url.origin().ascii_serialization());
    let shortest = if private && is_loopback(public_url) {
        TimeSpan::seconds(2)
    } else {
        TimeSpan::minutes(1)
    };
    let access = read.duration(
        Setting::AccessTtl,
        defaults.access_token_ttl,
        shortest,
        countersign_core::MAX_ACCESS_TOKEN_TTL,
    );
    let absolute = read.duration(
        Setting::SessionMax,
        defaults.absolute_timeout,
        TimeSpan::minutes(1),
        TimeSpan::days(400),
    );
    let idle = read.duration(
        Setting::SessionIdle,
        defaults.idle_timeout,
        TimeSpan::minutes(1),
        TimeSpan::days(400),
    );
    let grace = read.duration(
        Setting::RefreshGrace,
        defaults.refresh_grace,
        TimeSpan(0),
        TimeSpan::seconds(60),
    );
    let limits = limits(read, public_url);
    Policy {
        access_token_ttl: access,
        absolute_timeout: absolute,
        idle_timeout: idle,
        refresh_grace: grace,
        limits,
        ..defaults
    }
}

/// Reads the rate limits: one switch for all of them, and one setting for each.
fn limits(read: &mut SettingsReader<'_>, public_url: &Url) -> RateLimits {
    let mut limits = RateLimits::default();
    for action in LimitedAction::ALL {
        let rule = action.rule();
        let limit = read.rate_limit(Setting::Limit(*action), rule.default);
        if limit.is_none() && !rule.may_be_off && !is_loopback(public_url) {
            read.add_error(
                Setting::Limit(*action),
                "can be off only with a loopback public URL: passwords could be guessed without \
                 limit",
            );
        }
        limits.set(*action, limit);
    }
    if read.on_off(Setting::RateLimits, true) {
        return limits;
    }
    if !is_loopback(public_url) {
        read.add_error(
            Setting::RateLimits,
            "can be off only with a loopback public URL: it is for tests and benchmarks",
        );
    }
    RateLimits::off()
}

fn hashing(read: &mut SettingsReader<'_>, private: bool) -> HashingConfig {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let defaults = HashingConfig::new(cores);
    let threads = read.number(Setting::HashThreads, defaults.threads, 1, 256);
    let queue = read.number(Setting::HashQueue, defaults.queue_capacity, 1, 10_000);
    let Some(text) = read.text(Setting::Argon2) else {
        return HashingConfig { threads, queue_capacity: queue, ..defaults };
    };
    match text::parse_argon2(&text) {
        // The parameters of ASVS 5.0, appendix C: less memory requires more iterations.
        Some((m, t, p))
            if private
                || (m >= 47_104 || m >= 19_456 && t >= 2 || m >= 12_288 && t >= 3) && p == 1 =>
        {
            HashingConfig {
                memory_kib: m,
                iterations: t,
                parallelism: p,
                threads,
                queue_capacity: queue,
            }
        }
        Some(_) => {
            read.add_error(
                Setting::Argon2,
                "is too weak: at min m=19456,t=2,p=1 or m=12288,t=3,p=1 or m=47104,t=1,p=1",
            );
            defaults
        }
        None => {
            read.add_error(
                Setting::Argon2,
                "must have the form m=19456,t=2,p=1 (memory in KiB, iterations, parallelism)",
            );
            defaults
        }
    }
}

fn site(read: &mut SettingsReader<'_>) -> Site {
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
        .parse(Setting::HashFiles, "true or false")
        .unwrap_or_else(|| beside.join("hash.txt").is_file());
    // Set by `cargo leptos watch`. The page and its content security policy need it.
    let port = read
        .parse::<u16>(Setting::ReloadPort, "a port such as 3001")
        .map_or(RELOAD_PORT, u32::from);
    let reload_port = read.text(Setting::Watch).filter(|value| value != "off").map(|_| port);
    Site { root, hashed, reload_port }
}

#[cfg(test)]
mod tests;
