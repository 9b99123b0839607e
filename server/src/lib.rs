//! The server: reads the configuration, connects the core to HTTP, and serves.
//!
//! | to learn about | read |
//! |---|---|
//! | all routes | [`router`] |
//! | settings | [`config`] |
//! | connections, and HTTPS | [`http_server`], [`tls`] |
//! | middleware: security headers, CSRF protection, limits | [`middleware`] |
//! | the JSON API | [`json_api`] |
//!
//! All decisions about accounts are made in `core`. Pages and server functions are in `app`.
#![recursion_limit = "256"]

pub mod backup;
pub mod cli;
pub mod config;
mod config_warnings;
pub mod core_dumps;
pub mod data_download;
mod database;
mod export_slots;
pub mod http_server;
pub mod json_api;
pub mod logging;
pub mod middleware;
mod quota;
pub mod router;
pub mod secret_file;
mod serve;
mod static_files;
pub mod tls;

pub use router::{AppState, router};
pub use serve::serve;
