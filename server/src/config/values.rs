//! The validated configuration, as the rest of the program reads it.

use crate::tls;
use countersign_core::{HashingConfig, Policy, store::DatabaseUrl};
use countersign_http::HttpSettings;
use countersign_types::TimeSpan;
use std::{net::SocketAddr, path::PathBuf};

/// The validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listening socket and its connections.
    pub listener: Listener,
    /// HTTP settings: public URL, proxies, CORS.
    pub http: HttpSettings,
    /// Certificate and private key for HTTPS. Without them, a proxy terminates TLS.
    pub tls: Option<tls::CertificatePaths>,
    /// The database.
    pub database: DatabaseUrl,
    /// The source of the server secret.
    pub secret: Secret,
    /// Token lifetimes, session timeouts and rate limits.
    pub policy: Policy,
    /// Parameters of password hashing.
    pub hashing: HashingConfig,
    /// The file of the introspection secret, if it is in a file.
    pub introspection_secret_file: Option<PathBuf>,
    /// The built site.
    pub site: Site,
    /// The log filter, in the syntax of `RUST_LOG`.
    pub log_filter: Option<String>,
}

/// The listening socket and its connections.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address to listen on.
    pub address: SocketAddr,
    /// Idle timeout of a connection between two requests: 5 seconds to 1 hour.
    pub keep_alive: TimeSpan,
    /// Time after SIGTERM during which the server is not ready but still serves: 0 to 60 seconds.
    pub shutdown_delay: TimeSpan,
}

impl Listener {
    /// Longer than the default idle timeout of proxies and load balancers (60 seconds for nginx and
    /// AWS), so that they close connections first.
    pub const DEFAULT_KEEP_ALIVE: TimeSpan = TimeSpan::seconds(75);
    /// Long enough for a proxy that polls every second, and short enough for `docker stop`, which
    /// waits for 10 seconds.
    pub const DEFAULT_SHUTDOWN_DELAY: TimeSpan = TimeSpan::seconds(2);
}

/// The source of the server secret.
#[derive(Clone)]
pub enum Secret {
    /// The value of the setting.
    Given(countersign_core::ServerSecret),
    /// A file, which must exist.
    File(PathBuf),
    /// The default file, which is generated if it doesn't exist.
    Generated(PathBuf),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => out.write_str("given by COUNTERSIGN_SECRET"),
            Self::File(path) | Self::Generated(path) => write!(out, "file {}", path.display()),
        }
    }
}

/// The built site, as produced by `cargo leptos build`.
#[derive(Clone, Debug)]
pub struct Site {
    /// The directory.
    pub root: PathBuf,
    /// Whether file names contain a hash of the content, as indicated by `hash.txt` beside the
    /// program.
    pub hashed: bool,
    /// The port of the reload socket, while `cargo leptos watch` runs.
    pub reload_port: Option<u32>,
}

/// The default database.
pub(super) const DEFAULT_DATABASE: &str = "sqlite:data/countersign.db";

/// The default port of the reload socket.
pub(super) const RELOAD_PORT: u32 = 3001;
