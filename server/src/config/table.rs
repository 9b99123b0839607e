//! The table of settings, except rate limits, which are in `countersign_core::LimitedAction`. Each
//! setting is declared here once:
//!
//! ```text
//! /// The meaning, in Markdown.
//! Variant = "COUNTERSIGN_NAME",
//!     pub field: Type = default;
//! ```
//!
//! The type decides how values are written, and must implement [`SettingValue`]: `bool` (`on` or
//! `off`), `usize` and other numbers, [`TimeSpan`], [`String`], [`PathBuf`], [`Option`] and [`Vec`]
//! of them, and the types in `types.rs` and `brand.rs`. These may follow the default, in this
//! order, separated by commas:
//!
//! * `in MIN..=MAX`: the accepted range; required for numbers and durations.
//! * `described "TEXT"`: what the documentation says about a default that depends on the machine or
//!   on other settings.
//! * `shown |config| TEXT`: what `countersign config` prints, if the value depends on other
//!   settings.
//!
//! The field of a setting that is used alone is `pub`. The others are `pub(super)`: they are read
//! together by a method of `Config` (`groups.rs`), and rules between them are in
//! `validation.rs`. docs/SETTINGS.md is derived from this table; a test compares it, and writes it
//! with `UPDATE_DOCS=1`.

use super::{
    brand::{
        Accent, BrandName, FontFile, ImageFile, LinkUrl, SideImage, StyleFile, Tagline, Theme,
    },
    declare::settings,
    messages::MessagesFile,
    types::{
        Argon2Cost, ExactOrigin, IntrospectionSecretFile, Limit, LogFilter, MailSetting,
        MailboxSetting, PublicUrl, SecurityContact, TrueOrFalse, Watch, read_limits,
    },
    value::{Bounds, DefaultValue, ReadValue, SettingValue},
};
use crate::brand::Radius;
use countersign_core::{
    HashingConfig, LimitedAction, MAX_ACCESS_TOKEN_TTL, Policy, RateLimits, ServerSecret,
    SignUpPolicy, Verification, store::DatabaseUrl,
};
use countersign_http::IntrospectionSecret;
use countersign_leptos::brand::AuthPageLayout;
use countersign_types::TimeSpan;
use http::uri::Authority;
use ipnet::IpNet;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
};

settings! {
    /// Address and port to listen on.
    SiteAddr = "LEPTOS_SITE_ADDR",
        pub address: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 3000));

    /// URL of this server as users open it, without a path. Used for `iss` and `aud` of tokens,
    /// cookies, the origin check and the expected `Host`. `https` enables `Secure`, `__Host-` and
    /// HSTS; plain `http` is rejected except for loopback and private addresses.
    PublicUrl = "COUNTERSIGN_PUBLIC_URL",
        pub(super) public_url: Option<PublicUrl> = None,
        described "`http://localhost:` and the port",
        shown |config| config.http().origin();

    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`; over a network with
    /// `?sslmode=verify-full`. Special characters are percent-encoded: `%40` for `@` in a password,
    /// `%3F` for `?` in a path.
    DatabaseUrl = "DATABASE_URL",
        pub database: DatabaseUrl = DatabaseUrl::Sqlite("data/countersign.db".into());

    /// Server secret: 32 random bytes in base64url, as printed by `countersign secret new`. All
    /// nodes on one database need the same secret.
    Secret = "COUNTERSIGN_SECRET",
        pub(super) secret: Option<ServerSecret> = None;

    /// File with the server secret. It must exist and must not be readable by other users. If
    /// neither is set: `data/secret`, generated on the first start.
    SecretFile = "COUNTERSIGN_SECRET_FILE",
        pub(super) secret_file: Option<PathBuf> = None,
        described "`data/secret`",
        shown |config| config.secret().file().map(Path::to_path_buf).to_text();

    /// PEM file with the certificate chain. Enables HTTPS and HTTP/2. Reloaded when it changes;
    /// open connections continue.
    TlsCert = "COUNTERSIGN_TLS_CERT",
        pub(super) tls_cert: Option<PathBuf> = None;

    /// PEM file with the private key of the certificate.
    TlsKey = "COUNTERSIGN_TLS_KEY",
        pub(super) tls_key: Option<PathBuf> = None;

    /// Exact origins, such as `https://app.example.com,http://localhost:5173`, whose pages may call
    /// `/api/v1`, `/oauth/token` and `/oauth/revoke`.
    CorsOrigins = "COUNTERSIGN_CORS_ORIGINS",
        pub(super) cors_origins: Vec<ExactOrigin> = Vec::new();

    /// Additional hosts, such as `accounts.internal:3000,10.0.0.5`, that proxies and services may
    /// send as `Host`. A host without a port allows any port.
    AllowedHosts = "COUNTERSIGN_ALLOWED_HOSTS",
        pub(super) allowed_hosts: Vec<Authority> = Vec::new();

    /// Networks of trusted proxies, such as `10.0.0.0/8,::1/128`. The client's IP address is taken
    /// from their `X-Forwarded-For`.
    TrustedProxies = "COUNTERSIGN_TRUSTED_PROXIES",
        pub(super) trusted_proxies: Vec<IpNet> = Vec::new();

    // The default is longer than the idle timeout of proxies and load balancers (60 seconds for
    // nginx and AWS), so that they close connections first.
    /// Idle timeout of a connection between two requests. Set it higher than the idle timeout of a
    /// proxy in front.
    KeepAlive = "COUNTERSIGN_KEEP_ALIVE",
        pub keep_alive: TimeSpan = TimeSpan::seconds(75),
        in TimeSpan::seconds(5)..=TimeSpan::minutes(60);

    // The default is long enough for a proxy that polls every second, and short enough for
    // `docker stop`, which waits for 10 seconds.
    /// Time after SIGTERM during which `/readyz` responds with 503 and everything else is served,
    /// before connections are refused. Set it higher than the polling interval of the load
    /// balancer.
    ShutdownDelay = "COUNTERSIGN_SHUTDOWN_DELAY",
        pub shutdown_delay: TimeSpan = TimeSpan::seconds(2),
        in TimeSpan(0)..=TimeSpan::seconds(60);

    /// `on`: HSTS includes all subdomains of the host.
    HstsSubdomains = "COUNTERSIGN_HSTS_SUBDOMAINS",
        pub(super) hsts_subdomains: bool = false;

    /// `on`: access tokens are also accepted in the header `x-access-token`.
    XAccessToken = "COUNTERSIGN_X_ACCESS_TOKEN",
        pub(super) x_access_token: bool = false;

    /// `on`: `/api/v1/auth/verify` sends the user to a proxy, in `X-User-Id` and `X-User-Roles`.
    IdentityHeaders = "COUNTERSIGN_IDENTITY_HEADERS",
        pub(super) identity_headers: bool = false;

    /// Contact for vulnerability reports, such as `mailto:security@example.com`, published in
    /// `security.txt`.
    SecurityContact = "COUNTERSIGN_SECURITY_CONTACT",
        pub(super) security_contacts: Vec<SecurityContact> = Vec::new();

    /// Secret that other programs send to `/oauth/introspect`: 32 random bytes, as printed by
    /// `countersign secret new`. Without it introspection requests are rejected.
    IntrospectionSecret = "COUNTERSIGN_INTROSPECTION_SECRET",
        pub(super) introspection_secret: Option<IntrospectionSecret> = None;

    /// File with the introspection secret.
    IntrospectionSecretFile = "COUNTERSIGN_INTROSPECTION_SECRET_FILE",
        pub(super) introspection_secret_file: Option<IntrospectionSecretFile> = None;

    /// Lifetime of access tokens. Less than `1m` only with a loopback public URL, for tests.
    AccessTtl = "COUNTERSIGN_ACCESS_TTL",
        pub(super) access_ttl: TimeSpan = Policy::new("").access_token_ttl,
        in TimeSpan::seconds(2)..=MAX_ACCESS_TOKEN_TTL;

    /// Idle timeout of a session.
    SessionIdle = "COUNTERSIGN_SESSION_IDLE",
        pub(super) session_idle: TimeSpan = Policy::new("").idle_timeout,
        in TimeSpan::minutes(1)..=TimeSpan::days(400);

    /// Absolute timeout of a session.
    SessionMax = "COUNTERSIGN_SESSION_MAX",
        pub(super) session_max: TimeSpan = Policy::new("").absolute_timeout,
        in TimeSpan::minutes(1)..=TimeSpan::days(400);

    /// Grace period in which a refresh token that was just used returns the same successor again
    /// (two tabs, a lost response).
    RefreshGrace = "COUNTERSIGN_REFRESH_GRACE",
        pub(super) refresh_grace: TimeSpan = Policy::new("").refresh_grace,
        in TimeSpan(0)..=TimeSpan::seconds(60);

    /// Cost of password hashing: memory in KiB, iterations, parallelism. Values below ASVS 5.0 are
    /// accepted on private addresses only.
    Argon2 = "COUNTERSIGN_ARGON2",
        pub(super) argon2: Argon2Cost = Argon2Cost::default();

    /// Number of password hashing threads. Each keeps its memory allocated (19 MiB by default).
    HashThreads = "COUNTERSIGN_HASH_THREADS",
        pub(super) hash_threads: usize = thread::available_parallelism().map_or(1, usize::from),
        in 1..=256,
        described "number of cores";

    /// Maximum number of queued password hashes in each of two queues: anonymous clients and known
    /// devices. Further requests are rejected with 503. One network can use at most a quarter.
    HashQueue = "COUNTERSIGN_HASH_QUEUE",
        pub(super) hash_queue: usize = HashingConfig::new(1).queue_capacity,
        in 1..=10_000;

    /// `off`: no rate limits, for tests and benchmarks; only with a loopback public URL.
    RateLimits = "COUNTERSIGN_RATE_LIMITS",
        pub(super) are_limits_on: bool = true;

    /// How emails are sent: `smtps://USER:PASSWORD@HOST:PORT`, `smtp://…` (with STARTTLS, which is
    /// required; `?tls=none` only for a server on this machine), `dir:PATH` for a file per email,
    /// `console` for development, or `none`. Without email a forgotten password can't be replaced.
    Mail = "COUNTERSIGN_MAIL",
        pub(super) mail_transport: MailSetting = MailSetting(None);

    /// Sender of emails, such as `Example <accounts@example.com>`. Required with email.
    MailFrom = "COUNTERSIGN_MAIL_FROM",
        pub(super) mail_from: Option<MailboxSetting> = None;

    /// Address for replies to emails.
    MailReplyTo = "COUNTERSIGN_MAIL_REPLY_TO",
        pub(super) mail_reply_to: Option<MailboxSetting> = None;

    /// Who may sign up: `open` (anyone), `invited` (people with an invitation from an
    /// administrator) or `closed` (only the first administrator). The first administrator can
    /// always sign up, with the link that is printed at start, and `countersign user create EMAIL`
    /// always works. With `invited` and `closed`, sign-ups that wait for verification are refused.
    SignUp = "COUNTERSIGN_SIGN_UP",
        pub(super) sign_up: SignUpPolicy = SignUpPolicy::Open;

    /// Whether users must verify their email address: `required` (no account before, and a sign-up
    /// doesn't reveal who has one), `optional` (after the sign-up) or `off`. The first two need
    /// email.
    Verification = "COUNTERSIGN_VERIFICATION",
        pub(super) verification: Option<Verification> = None,
        described "`required` with email, otherwise `off`",
        shown |config| config.verification().to_text();

    /// Name of your product on pages and in emails.
    BrandName = "COUNTERSIGN_BRAND_NAME",
        pub(super) brand_name: BrandName = BrandName::default();

    /// One sentence about your product.
    BrandTagline = "COUNTERSIGN_BRAND_TAGLINE",
        pub(super) brand_tagline: Option<Tagline> = None;

    /// URL of your application. The logo and the welcome after a sign-up link to it. Users who log
    /// in without a `next` in the URL continue there.
    BrandAppUrl = "COUNTERSIGN_BRAND_APP_URL",
        pub(super) brand_app_url: Option<LinkUrl> = None;

    /// More exact origins, such as `https://app.example.com`, to which `next` may lead after a
    /// log-in: `/login?next=https://app.example.com/notes`. That of `COUNTERSIGN_BRAND_APP_URL` is
    /// always allowed.
    BrandReturnTo = "COUNTERSIGN_BRAND_RETURN_TO",
        pub(super) brand_return_to: Vec<ExactOrigin> = Vec::new();

    /// Color of links and buttons, such as `#3b2fb5`. The colors for dark pages follow from it. A
    /// color in which text would be hard to read is rejected.
    BrandAccent = "COUNTERSIGN_BRAND_ACCENT",
        pub(super) brand_accent: Option<Accent> = None;

    /// Corner radius: `none`, `small`, `soft` or `round`.
    BrandRadius = "COUNTERSIGN_BRAND_RADIUS",
        pub(super) brand_radius: Radius = Radius::Soft;

    /// Layout of pages with a single form: `card`, `plain` (without a card) or `split` (with an
    /// image beside the form, in a wide window).
    BrandLayout = "COUNTERSIGN_BRAND_LAYOUT",
        pub(super) brand_layout: AuthPageLayout = AuthPageLayout::Card;

    /// Image for the layout `split`: an SVG, PNG, JPEG, GIF or WebP file of at most 512 KiB. It
    /// fills its side of the window, and its edges are cut off.
    BrandImage = "COUNTERSIGN_BRAND_IMAGE",
        pub(super) brand_image: Option<SideImage> = None;

    /// Font of pages: a WOFF2 file of at most 512 KiB.
    BrandFont = "COUNTERSIGN_BRAND_FONT",
        pub(super) brand_font: Option<FontFile> = None;

    /// Theme of pages: `system` (users can choose), `light` or `dark`.
    BrandTheme = "COUNTERSIGN_BRAND_THEME",
        pub(super) brand_theme: Theme = Theme::default();

    /// Logo on pages and in emails: an SVG, PNG, JPEG, GIF or WebP file of at most 64 KiB, shown 32
    /// to 44 pixels high. Emails contain only PNG, JPEG and GIF.
    BrandLogo = "COUNTERSIGN_BRAND_LOGO",
        pub(super) brand_logo: Option<ImageFile> = None;

    /// Logo on dark pages.
    BrandLogoDark = "COUNTERSIGN_BRAND_LOGO_DARK",
        pub(super) brand_logo_dark: Option<ImageFile> = None;

    /// Icon of the site in browsers: an SVG, PNG or ICO file of at most 64 KiB.
    BrandIcon = "COUNTERSIGN_BRAND_ICON",
        pub(super) brand_icon: Option<ImageFile> = None;

    /// Style sheet of at most 64 KiB that overrides the one of the pages.
    BrandCss = "COUNTERSIGN_BRAND_CSS",
        pub(super) brand_css: Option<StyleFile> = None;

    /// TOML file of at most 64 KiB that replaces texts of pages and emails: `"Log in" = "Sign in"`.
    /// `countersign messages` prints all texts in this form.
    BrandMessages = "COUNTERSIGN_BRAND_MESSAGES",
        pub(super) brand_messages: Option<MessagesFile> = None;

    /// URL of your terms of service, linked below pages.
    BrandTerms = "COUNTERSIGN_BRAND_TERMS",
        pub(super) brand_terms: Option<LinkUrl> = None;

    /// URL of your privacy policy, linked below pages.
    BrandPrivacy = "COUNTERSIGN_BRAND_PRIVACY",
        pub(super) brand_privacy: Option<LinkUrl> = None;

    /// URL or `mailto:` address for users who need help, linked below pages.
    BrandSupport = "COUNTERSIGN_BRAND_SUPPORT",
        pub(super) brand_support: Option<LinkUrl> = None;

    /// Whether the server has the component gallery at `/gallery`, with the brand editor: `on` or
    /// `off`. Anyone can open it.
    Gallery = "COUNTERSIGN_GALLERY",
        pub(super) gallery: bool = cfg!(debug_assertions),
        described "`off`; `on` in development builds";

    /// Log filter. The log goes to standard output, as JSON unless that is a terminal.
    RustLog = "RUST_LOG",
        pub log_filter: LogFilter = LogFilter::default();

    /// Directory of the built site.
    SiteRoot = "LEPTOS_SITE_ROOT",
        pub(super) site_root: PathBuf = default_site_root(),
        described "`site` or `../site` beside the program, otherwise `target/site`";

    /// `true` if the file names of the site contain hashes, otherwise `false`.
    HashFiles = "LEPTOS_HASH_FILES",
        pub(super) hash_files: TrueOrFalse = default_hash_files(),
        described "`true` if `hash.txt` is beside the program";

    /// Set by `cargo leptos watch`: pages reload after a rebuild.
    Watch = "LEPTOS_WATCH",
        pub(super) watch: Watch = Watch(false);

    /// Set by `cargo leptos watch`: port of the socket that makes pages reload.
    ReloadPort = "LEPTOS_RELOAD_PORT",
        pub(super) reload_port: u16 = 3001,
        in 1..=u16::MAX;
}

fn program_folder() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(Path::to_path_buf))
        .unwrap_or_default()
}

fn default_hash_files() -> TrueOrFalse {
    TrueOrFalse(program_folder().join("hash.txt").is_file())
}

fn default_site_root() -> PathBuf {
    ["site", "../site"]
        .map(|name| program_folder().join(name))
        .into_iter()
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| "target/site".into())
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
        A::NetworkMail => "Requests for email from one network, for all addresses.",
        A::RepeatedMail => {
            "Pause between two requests for email to one address for one purpose, such as a \
             password reset. Beyond this limit and the next two, the response is the same and no \
             email is sent."
        }
        A::RequestedMail => {
            "Requests for email to one address for one purpose. Can't be `off` on a public address."
        }
        A::AddressMail => "Emails to one address, whatever their cause.",
        A::UnverifiedNotice => {
            "Notices of one kind, for example about new devices, to an address that is not \
             verified."
        }
        A::AddressCode => {
            "Codes from emails to one address, right or wrong. Each code has 5 attempts. Links \
             still work. Can't be `off` on a public address."
        }
        A::NetworkCode => "Codes from emails that one network enters.",
        A::LogIn => "Log-ins of one user.",
        A::Refresh => "Token refreshes of one user, on each node.",
        A::DisplayName => "Changes of the display name.",
        A::PasswordChange => "Changes of the password.",
        A::PasswordConfirmation => "Confirmations of the password, for a data export.",
        A::EmailChange => "Requests to confirm or change the email address, and the codes for it.",
        A::AccountDeletion => "Account deletion requests and cancellations.",
        A::SessionRevocation => "Session revocations.",
        A::DataExport => "Data exports of one user, on each node.",
        A::Administration => "Changes by one administrator.",
    }
}
