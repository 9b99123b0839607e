//! The table of settings: each is declared here once, with its name, what it means, its default and
//! how it is shown.
//!
//! Everything else is derived from it: which names exist, what `countersign config` prints, and the
//! table of settings in the README, which a test compares. How a value is read and checked is in
//! the module above.

use super::{Config, Secret, values};
use crate::logs;
use countersign_core::{LimitedAction, RateLimit};
use std::path::Path;

/// The value in force when a setting is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// Always this text, as `countersign config` shows it.
    Fixed(&'static str),
    /// Depends on the machine or on other settings: a description in Markdown.
    Computed(&'static str),
    /// That of the table of rate limits.
    Limit(RateLimit),
}

impl DefaultValue {
    /// The text that `countersign config` shows, where it is always the same.
    #[must_use]
    pub fn text(self) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.to_owned()),
            Self::Computed(_) => None,
            Self::Limit(limit) => Some(values::rate_limit_to_text(limit)),
        }
    }
}

macro_rules! settings {
    ($($(#[doc = $meaning:literal])+ $setting:ident = $name:literal, $default:expr, |$config:pat_param| $shown:expr;)+) => {
        /// A setting. Its documentation is Markdown for operators, and stands in the README.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Setting {
            $($(#[doc = $meaning])+ $setting,)+
            /// A rate limit: a number and the time after which there is one more. The rest of what is known of it is in the
            /// table of `core`.
            Limit(LimitedAction),
        }

        impl Setting {
            const PLAIN: &[Self] = &[$(Self::$setting),+];

            /// The name, the same in the environment, in `countersign.toml` and in `.env`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$setting => $name,)+
                    Self::Limit(action) => action.rule().setting,
                }
            }

            /// The meaning and the possible values, as Markdown in one line.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$setting => concat!($($meaning),+).trim(),)+
                    Self::Limit(action) => meaning_of_limit(action),
                }
            }

            /// The value without a setting.
            #[must_use]
            pub const fn default(self) -> DefaultValue {
                match self {
                    $(Self::$setting => $default,)+
                    Self::Limit(action) => DefaultValue::Limit(action.rule().default),
                }
            }

            /// The value that is in force. Never a secret.
            #[must_use]
            pub fn shown(self, config: &Config) -> String {
                match self {
                    $(Self::$setting => {
                        let $config = config;
                        $shown
                    })+
                    Self::Limit(action) => config.policy.limits.get(action).map_or_else(|| "off".to_owned(), values::rate_limit_to_text),
                }
            }
        }
    };
}

settings! {
    /// Address and port to listen on.
    SiteAddr = "LEPTOS_SITE_ADDR", DefaultValue::Fixed("127.0.0.1:3000"), |config| config.http.listen.to_string();

    /// Address that people reach this server by, without a path: for `iss` and `aud` of tokens,
    /// cookies, the origin check and `Host`, which must name it. `https` turns on `Secure`,
    /// `__Host-` and HSTS; plain `http` is refused unless the address is this machine's or a
    /// private network's.
    PublicUrl = "COUNTERSIGN_PUBLIC_URL", DefaultValue::Computed("`http://localhost:` and the port"), |config| config.http.origin();

    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`; over a network with `?sslmode=verify-full`. Special
    /// characters are percent-encoded: `%40` for `@` in a password, `%3F` for `?` in a path.
    DatabaseUrl = "DATABASE_URL", DefaultValue::Fixed(super::DEFAULT_DATABASE), |config| config.database.to_string();

    /// The server secret: 32 random bytes in base64url, as `countersign secret new` prints them. All nodes on one database
    /// need the same one.
    Secret = "COUNTERSIGN_SECRET", DefaultValue::Fixed("none"), |config| given(matches!(config.secret, Secret::Given(_)));

    /// File with the server secret, which must exist and be closed to other users. Without both settings:
    /// `data/secret`, made on the first start.
    SecretFile = "COUNTERSIGN_SECRET_FILE", DefaultValue::Fixed("data/secret"), |config| match &config.secret {
        Secret::Given(_) => "none".to_owned(),
        Secret::File(path) | Secret::Own(path) => path.display().to_string(),
    };

    /// PEM file with the certificate chain: the program itself speaks HTTPS and HTTP/2. Read again when it changes;
    /// connections go on.
    TlsCert = "COUNTERSIGN_TLS_CERT", DefaultValue::Fixed("none"), |config| path(config.tls.as_ref().map(|files| &*files.certificate));

    /// PEM file with the private key of that certificate.
    TlsKey = "COUNTERSIGN_TLS_KEY", DefaultValue::Fixed("none"), |config| path(config.tls.as_ref().map(|files| &*files.key));

    /// Exact origins, such as `https://app.example.com,http://localhost:5173`, whose pages may call `/api/v1`,
    /// `/oauth/token` and `/oauth/revoke`.
    CorsOrigins = "COUNTERSIGN_CORS_ORIGINS", DefaultValue::Fixed("none"), |config| list(&config.http.cors_origins);

    /// Further names, such as `accounts.internal:3000,10.0.0.5`, by which proxies and services ask. Without a port: with any.
    AllowedHosts = "COUNTERSIGN_ALLOWED_HOSTS", DefaultValue::Fixed("none"), |config| list(&config.http.allowed_hosts);

    /// Networks such as `10.0.0.0/8,::1/128`, whose `X-Forwarded-For` is believed.
    TrustedProxies = "COUNTERSIGN_TRUSTED_PROXIES", DefaultValue::Fixed("none"), |config| list(&config.http.trusted_proxies);

    /// Time for which a connection may be idle between two requests, from `5s` to `60m`: longer
    /// than a proxy in front keeps it.
    KeepAlive = "COUNTERSIGN_KEEP_ALIVE", DefaultValue::Fixed("75s"), |config| values::span_to_text(config.http.keep_alive);

    /// Time after SIGTERM in which `/readyz` is 503 and everything else is served, before
    /// connections are refused: longer than a load balancer takes to notice, at most `60s`.
    ShutdownDelay = "COUNTERSIGN_SHUTDOWN_DELAY", DefaultValue::Fixed("2s"), |config| values::span_to_text(config.http.shutdown_delay);

    /// `on`: HSTS holds for all subdomains of the host, too.
    HstsSubdomains = "COUNTERSIGN_HSTS_SUBDOMAINS", DefaultValue::Fixed("off"), |config| switch(config.http.hsts_subdomains);

    /// `on`: an access token counts in the header `x-access-token`, too.
    XAccessToken = "COUNTERSIGN_X_ACCESS_TOKEN", DefaultValue::Fixed("off"), |config| switch(config.http.x_access_token);

    /// `on`: `/api/v1/auth/verify` names the user to a proxy, in `X-User-Id` and `X-User-Roles`.
    IdentityHeaders = "COUNTERSIGN_IDENTITY_HEADERS", DefaultValue::Fixed("off"), |config| switch(config.http.identity_headers);

    /// Contact for reports of vulnerabilities, such as `mailto:security@example.com`, for `security.txt`.
    SecurityContact = "COUNTERSIGN_SECURITY_CONTACT", DefaultValue::Fixed("none"), |config| list(&config.http.security_contacts);

    /// Secret that other programs send to `/oauth/introspect`: 32 random bytes, as `countersign secret new` prints them.
    /// Without it introspection is refused.
    IntrospectionSecret = "COUNTERSIGN_INTROSPECTION_SECRET", DefaultValue::Fixed("none"), |config| given(config.http.introspection_secret.is_some() && config.introspection_secret_file.is_none());

    /// File with that secret.
    IntrospectionSecretFile = "COUNTERSIGN_INTROSPECTION_SECRET_FILE", DefaultValue::Fixed("none"), |config| path(config.introspection_secret_file.as_deref());

    /// Life of an access token, from `1m` to `60m`; on this machine's own address from `2s`, for tests.
    AccessTtl = "COUNTERSIGN_ACCESS_TTL", DefaultValue::Fixed("10m"), |config| values::span_to_text(config.policy.access);

    /// Time after which an unused session expires.
    SessionIdle = "COUNTERSIGN_SESSION_IDLE", DefaultValue::Fixed("14d"), |config| values::span_to_text(config.policy.idle);

    /// Time after which any session expires.
    SessionMax = "COUNTERSIGN_SESSION_MAX", DefaultValue::Fixed("90d"), |config| values::span_to_text(config.policy.absolute);

    /// Time in which a refresh token that was just used gets the same successor again (two tabs, a lost response); at
    /// most `60s`.
    RefreshGrace = "COUNTERSIGN_REFRESH_GRACE", DefaultValue::Fixed("10s"), |config| values::span_to_text(config.policy.grace);

    /// Cost of a password hash: KiB of memory, passes, lanes; weaker than ASVS 5.0 allows only on private addresses.
    Argon2 = "COUNTERSIGN_ARGON2", DefaultValue::Fixed("m=19456,t=2,p=1"), |config| {
        let countersign_core::Hashing { m, t, p, .. } = config.hashing;
        format!("m={m},t={t},p={p}")
    };

    /// Password hashes at the same time; each thread holds its memory for good (19 MiB).
    HashThreads = "COUNTERSIGN_HASH_THREADS", DefaultValue::Computed("number of cores"), |config| config.hashing.threads.to_string();

    /// Hashes that may wait in each of two queues, of anonymous clients and of known browsers; the next one is told to
    /// come back (503). One address has a quarter at most.
    HashQueue = "COUNTERSIGN_HASH_QUEUE", DefaultValue::Fixed("64"), |config| config.hashing.queue.to_string();

    /// `off`: no rate limits, for tests and benchmarks; only where people reach the server by a loopback address.
    RateLimits = "COUNTERSIGN_RATE_LIMITS", DefaultValue::Fixed("on"), |config| switch(!config.policy.limits.is_off());

    /// `none`: this version sends no e-mail.
    Mail = "COUNTERSIGN_MAIL", DefaultValue::Fixed("none"), |_| "none".to_owned();

    /// Filter of the log, which goes to standard output: JSON unless that is a terminal.
    RustLog = "RUST_LOG", DefaultValue::Fixed(logs::DEFAULT_FILTER), |config| config.log_filter.clone().unwrap_or_else(|| logs::DEFAULT_FILTER.to_owned());

    /// Folder of the built site.
    SiteRoot = "LEPTOS_SITE_ROOT", DefaultValue::Computed("the folder `site` beside the program or one up, else `target/site`"), |config| config.site.root.display().to_string();

    /// `true` when the names of the site's files carry hashes, else `false`.
    HashFiles = "LEPTOS_HASH_FILES", DefaultValue::Computed("whether `hash.txt` is beside the program"), |config| config.site.hashed.to_string();

    /// Set by `cargo leptos watch`: pages reload when the program is built again.
    Watch = "LEPTOS_WATCH", DefaultValue::Fixed("off"), |config| switch(config.site.reload_port.is_some());

    /// Set by `cargo leptos watch`: the port of the socket that tells pages to reload.
    ReloadPort = "LEPTOS_RELOAD_PORT", DefaultValue::Fixed("3001"), |config| config.site.reload_port.unwrap_or(super::RELOAD_PORT).to_string();
}

impl Setting {
    /// All settings, in the order of the README: each rate limit follows the switch for all of
    /// them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PLAIN.iter().flat_map(|setting| {
            let limits = if *setting == Self::RateLimits { LimitedAction::ALL } else { &[] };
            [*setting].into_iter().chain(limits.iter().copied().map(Self::Limit))
        })
    }

    /// The setting of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|setting| setting.name() == name)
    }

    /// The table of all settings in Markdown, as the README has it.
    #[must_use]
    pub fn to_markdown() -> String {
        let row = |setting: Self| {
            let default = match (setting.default(), setting.default().text()) {
                (DefaultValue::Computed(text), _) => text.to_owned(),
                (DefaultValue::Fixed("none"), _) | (_, None) => "–".to_owned(),
                (_, Some(text)) => format!("`{text}`"),
            };
            format!("| `{}` | {default} | {} |\n", setting.name(), setting.meaning())
        };
        let rows: String = Self::all().map(row).collect();
        format!("| name | default | meaning |\n|---|---|---|\n{rows}")
    }
}

/// What a limit counts. (Markdown, as the documentation of the other settings.)
const fn meaning_of_limit(action: LimitedAction) -> &'static str {
    use LimitedAction as A;
    match action {
        A::AccountPassword => {
            "Wrong passwords for one account by clients that are not known: 5, then a delay that doubles from 1 s to 1 min. Never `off` on a public address."
        }
        A::DevicePassword => {
            "The same for a browser that has logged in to the account before, or a session of it, which guesses of other clients do not delay. Never `off` on a public address."
        }
        A::NetworkPassword => {
            "Wrong passwords from one network, for all accounts: 60 at once, one more every 3 s. Right passwords and known browsers are not charged. `off` is possible here and below."
        }
        A::SignUp => {
            "Sign-ups from one network. Raise it for a class or an office that signs up together."
        }
        A::LogIn => "Log-ins of one user.",
        A::Refresh => "Refreshes of one user, on each node.",
        A::DisplayName => "Changes of the display name.",
        A::PasswordChange => "Changes of the password.",
        A::AccountDeletion => "Requests for the deletion of the account, and cancellations.",
        A::SessionRevocation => "Requests to end sessions.",
        A::DataExport => "Data exports of one user, on each node.",
        A::Administration => "Changes by one administrator.",
    }
}

fn given(is_given: bool) -> String {
    if is_given { "given" } else { "none" }.to_owned()
}

fn switch(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}

fn path(path: Option<&Path>) -> String {
    path.map_or_else(|| "none".to_owned(), |path| path.display().to_string())
}

fn list(items: &[impl ToString]) -> String {
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}
