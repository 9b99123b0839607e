//! The table of settings. Each setting is declared here once, with its name, meaning, default and
//! display format.
//!
//! The known names, the output of `countersign config` and the table of settings in the README are
//! derived from it; a test compares the README. Values are parsed and validated in the parent
//! module.

use super::{
    text::{duration_to_text, rate_limit_to_text},
    values::{Config, DEFAULT_DATABASE, RELOAD_PORT, Secret},
};
use crate::logging;
use countersign_core::{LimitedAction, RateLimit};
use std::path::Path;

/// The value of a setting that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// A constant, as `countersign config` prints it.
    Fixed(&'static str),
    /// A value that depends on the machine or on other settings: a description in Markdown.
    Computed(&'static str),
    /// The default in the table of rate limits.
    Limit(RateLimit),
}

impl DefaultValue {
    /// Returns the text that `countersign config` prints, if it is constant.
    #[must_use]
    pub fn text(self) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.to_owned()),
            Self::Computed(_) => None,
            Self::Limit(limit) => Some(rate_limit_to_text(limit)),
        }
    }
}

macro_rules! settings {
    ($(
        $(#[doc = $meaning:literal])+
        $setting:ident = $name:literal, $default:expr, |$config:pat_param| $shown:expr;
    )+) => {
        /// A setting. The documentation of each variant is Markdown for operators and is part of
        /// the README.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Setting {
            $($(#[doc = $meaning])+ $setting,)+
            /// A rate limit: the burst, and the time after which one more is allowed. Its other
            /// properties are in the table of `core`.
            Limit(LimitedAction),
        }

        impl Setting {
            const PLAIN: &[Self] = &[$(Self::$setting),+];

            /// Returns the name, which is the same in the environment, in `countersign.toml` and in
            /// `.env`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$setting => $name,)+
                    Self::Limit(action) => action.rule().setting,
                }
            }

            /// Returns the meaning and the possible values, as one line of Markdown.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$setting => concat!($($meaning),+).trim(),)+
                    Self::Limit(action) => meaning_of_limit(action),
                }
            }

            /// Returns the default value.
            #[must_use]
            pub const fn default(self) -> DefaultValue {
                match self {
                    $(Self::$setting => $default,)+
                    Self::Limit(action) => DefaultValue::Limit(action.rule().default),
                }
            }

            /// Returns the effective value. Never returns a secret.
            #[must_use]
            pub fn display_value(self, config: &Config) -> String {
                match self {
                    $(Self::$setting => {
                        let $config = config;
                        $shown
                    })+
                    Self::Limit(action) => config
                        .policy
                        .limits
                        .get(action)
                        .map_or_else(|| "off".to_owned(), rate_limit_to_text),
                }
            }
        }
    };
}

settings! {
    /// Address and port to listen on.
    SiteAddr = "LEPTOS_SITE_ADDR",
        DefaultValue::Fixed("127.0.0.1:3000"),
        |config| config.listener.address.to_string();

    /// URL of this server as users open it, without a path. Used for `iss` and `aud` of tokens,
    /// cookies, the origin check and the expected `Host`. `https` enables `Secure`, `__Host-` and
    /// HSTS; plain `http` is rejected except for loopback and private addresses.
    PublicUrl = "COUNTERSIGN_PUBLIC_URL",
        DefaultValue::Computed("`http://localhost:` and the port"),
        |config| config.http.origin();

    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`; over a network with
    /// `?sslmode=verify-full`. Special characters are percent-encoded: `%40` for `@` in a password,
    /// `%3F` for `?` in a path.
    DatabaseUrl = "DATABASE_URL",
        DefaultValue::Fixed(DEFAULT_DATABASE),
        |config| config.database.to_string();

    /// Server secret: 32 random bytes in base64url, as printed by `countersign secret new`. All
    /// nodes on one database need the same secret.
    Secret = "COUNTERSIGN_SECRET",
        DefaultValue::Fixed("none"),
        |config| given(matches!(config.secret, Secret::Given(_)));

    /// File with the server secret. It must exist and must not be readable by other users. Without
    /// both settings: `data/secret`, generated on the first start.
    SecretFile = "COUNTERSIGN_SECRET_FILE",
        DefaultValue::Fixed("data/secret"),
        |config| match &config.secret {
        Secret::Given(_) => "none".to_owned(),
        Secret::File(path) | Secret::Generated(path) => path.display().to_string(),
    };

    /// PEM file with the certificate chain. Enables HTTPS and HTTP/2. Reloaded when it changes;
    /// open connections continue.
    TlsCert = "COUNTERSIGN_TLS_CERT",
        DefaultValue::Fixed("none"),
        |config| path(config.tls.as_ref().map(|files| &*files.certificate));

    /// PEM file with the private key of the certificate.
    TlsKey = "COUNTERSIGN_TLS_KEY",
        DefaultValue::Fixed("none"),
        |config| path(config.tls.as_ref().map(|files| &*files.key));

    /// Exact origins, such as `https://app.example.com,http://localhost:5173`, whose pages may call
    /// `/api/v1`, `/oauth/token` and `/oauth/revoke`.
    CorsOrigins = "COUNTERSIGN_CORS_ORIGINS",
        DefaultValue::Fixed("none"),
        |config| list(&config.http.cors_origins);

    /// Additional hosts, such as `accounts.internal:3000,10.0.0.5`, that proxies and services may
    /// send as `Host`. A host without a port allows any port.
    AllowedHosts = "COUNTERSIGN_ALLOWED_HOSTS",
        DefaultValue::Fixed("none"),
        |config| list(&config.http.allowed_hosts);

    /// Networks of trusted proxies, such as `10.0.0.0/8,::1/128`. The client's IP address is taken
    /// from their `X-Forwarded-For`.
    TrustedProxies = "COUNTERSIGN_TRUSTED_PROXIES",
        DefaultValue::Fixed("none"),
        |config| list(&config.http.trusted_proxies);

    /// Idle timeout of a connection between two requests, from `5s` to `60m`. Set it higher than
    /// the idle timeout of a proxy in front.
    KeepAlive = "COUNTERSIGN_KEEP_ALIVE",
        DefaultValue::Fixed("75s"),
        |config| duration_to_text(config.listener.keep_alive);

    /// Time after SIGTERM during which `/readyz` responds with 503 and everything else is served,
    /// before connections are refused. Set it higher than the polling interval of the load
    /// balancer; at most `60s`.
    ShutdownDelay = "COUNTERSIGN_SHUTDOWN_DELAY",
        DefaultValue::Fixed("2s"),
        |config| duration_to_text(config.listener.shutdown_delay);

    /// `on`: HSTS includes all subdomains of the host.
    HstsSubdomains = "COUNTERSIGN_HSTS_SUBDOMAINS",
        DefaultValue::Fixed("off"),
        |config| switch(config.http.hsts_subdomains);

    /// `on`: access tokens are also accepted in the header `x-access-token`.
    XAccessToken = "COUNTERSIGN_X_ACCESS_TOKEN",
        DefaultValue::Fixed("off"),
        |config| switch(config.http.x_access_token);

    /// `on`: `/api/v1/auth/verify` sends the user to a proxy, in `X-User-Id` and `X-User-Roles`.
    IdentityHeaders = "COUNTERSIGN_IDENTITY_HEADERS",
        DefaultValue::Fixed("off"),
        |config| switch(config.http.identity_headers);

    /// Contact for vulnerability reports, such as `mailto:security@example.com`, published in
    /// `security.txt`.
    SecurityContact = "COUNTERSIGN_SECURITY_CONTACT",
        DefaultValue::Fixed("none"),
        |config| list(&config.http.security_contacts);

    /// Secret that other programs send to `/oauth/introspect`: 32 random bytes, as printed by
    /// `countersign secret new`. Without it introspection requests are rejected.
    IntrospectionSecret = "COUNTERSIGN_INTROSPECTION_SECRET",
        DefaultValue::Fixed("none"),
        |config| given(
            config.http.introspection_secret.is_some()
                && config.introspection_secret_file.is_none()
        );

    /// File with the introspection secret.
    IntrospectionSecretFile = "COUNTERSIGN_INTROSPECTION_SECRET_FILE",
        DefaultValue::Fixed("none"),
        |config| path(config.introspection_secret_file.as_deref());

    /// Lifetime of access tokens, from `1m` to `60m`; with a loopback public URL from `2s`, for
    /// tests.
    AccessTtl = "COUNTERSIGN_ACCESS_TTL",
        DefaultValue::Fixed("10m"),
        |config| duration_to_text(config.policy.access_token_ttl);

    /// Idle timeout of a session.
    SessionIdle = "COUNTERSIGN_SESSION_IDLE",
        DefaultValue::Fixed("14d"),
        |config| duration_to_text(config.policy.idle_timeout);

    /// Absolute timeout of a session.
    SessionMax = "COUNTERSIGN_SESSION_MAX",
        DefaultValue::Fixed("90d"),
        |config| duration_to_text(config.policy.absolute_timeout);

    /// Grace period in which a refresh token that was just used returns the same successor again
    /// (two tabs, a lost response); at most `60s`.
    RefreshGrace = "COUNTERSIGN_REFRESH_GRACE",
        DefaultValue::Fixed("10s"),
        |config| duration_to_text(config.policy.refresh_grace);

    /// Cost of password hashing: memory in KiB, iterations, parallelism. Values below ASVS 5.0 are
    /// accepted on private addresses only.
    Argon2 = "COUNTERSIGN_ARGON2", DefaultValue::Fixed("m=19456,t=2,p=1"), |config| {
        let hashing = &config.hashing;
        let (m, t, p) = (hashing.memory_kib, hashing.iterations, hashing.parallelism);
        format!("m={m},t={t},p={p}")
    };

    /// Number of password hashing threads. Each keeps its memory allocated (19 MiB).
    HashThreads = "COUNTERSIGN_HASH_THREADS",
        DefaultValue::Computed("number of cores"),
        |config| config.hashing.threads.to_string();

    /// Maximum number of queued password hashes in each of two queues: anonymous clients and known
    /// devices. Further requests are rejected with 503. One IP address can use at most a quarter.
    HashQueue = "COUNTERSIGN_HASH_QUEUE",
        DefaultValue::Fixed("64"),
        |config| config.hashing.queue_capacity.to_string();

    /// `off`: no rate limits, for tests and benchmarks; only with a loopback public URL.
    RateLimits = "COUNTERSIGN_RATE_LIMITS",
        DefaultValue::Fixed("on"),
        |config| switch(!config.policy.limits.is_off());

    /// `none`: this version sends no email.
    Mail = "COUNTERSIGN_MAIL", DefaultValue::Fixed("none"), |_| "none".to_owned();

    /// Log filter. The log goes to standard output, as JSON unless that is a terminal.
    RustLog = "RUST_LOG",
        DefaultValue::Fixed(logging::DEFAULT_FILTER),
        |config| config.log_filter.clone().unwrap_or_else(|| logging::DEFAULT_FILTER.to_owned());

    /// Directory of the built site.
    SiteRoot = "LEPTOS_SITE_ROOT",
        DefaultValue::Computed("`site` or `../site` beside the program, otherwise `target/site`"),
        |config| config.site.root.display().to_string();

    /// `true` if the file names of the site contain hashes, otherwise `false`.
    HashFiles = "LEPTOS_HASH_FILES",
        DefaultValue::Computed("`true` if `hash.txt` is beside the program"),
        |config| config.site.hashed.to_string();

    /// Set by `cargo leptos watch`: pages reload after a rebuild.
    Watch = "LEPTOS_WATCH",
        DefaultValue::Fixed("off"),
        |config| switch(config.site.reload_port.is_some());

    /// Set by `cargo leptos watch`: port of the socket that makes pages reload.
    ReloadPort = "LEPTOS_RELOAD_PORT",
        DefaultValue::Fixed("3001"),
        |config| config.site.reload_port.unwrap_or(RELOAD_PORT).to_string();
}

impl Setting {
    /// Returns all settings in the order of the README. The rate limits follow the switch for all
    /// of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PLAIN.iter().flat_map(|setting| {
            let limits = if *setting == Self::RateLimits { LimitedAction::ALL } else { &[] };
            [*setting].into_iter().chain(limits.iter().copied().map(Self::Limit))
        })
    }

    /// Returns the setting with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|setting| setting.name() == name)
    }

    /// Returns the table of all settings in Markdown, as in the README.
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

/// Returns what a limit counts, in Markdown.
const fn meaning_of_limit(action: LimitedAction) -> &'static str {
    use LimitedAction as A;
    match action {
        A::AccountPassword => {
            "Wrong passwords for one account from clients without a device cookie: 5, then a \
             backoff that doubles from 1 s to 1 min. Can't be `off` on a public address."
        }
        A::DevicePassword => {
            "The same for clients with a device cookie or a session of the account. Guesses of \
             other clients don't delay them. Can't be `off` on a public address."
        }
        A::NetworkPassword => {
            "Wrong passwords from one network, for all accounts: 60 at once, then one every 3 s. \
             Correct passwords and known devices aren't counted. This limit and the following ones \
             can be `off`."
        }
        A::SignUp => {
            "Sign-ups from one network. Raise it if many users of one network sign up at the same \
             time."
        }
        A::LogIn => "Log-ins of one user.",
        A::Refresh => "Token refreshes of one user, on each node.",
        A::DisplayName => "Changes of the display name.",
        A::PasswordChange => "Changes of the password.",
        A::AccountDeletion => "Account deletion requests and cancellations.",
        A::SessionRevocation => "Session revocations.",
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
