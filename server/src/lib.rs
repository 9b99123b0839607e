//! The server: reads the configuration, connects the core to HTTP and to the pages, and serves.
//!
//! | to learn about | read |
//! |---|---|
//! | all routes | [`router`] |
//! | settings | [`config`] |
//! | the arguments of the program | [`command_line`] |
//! | its commands | [`cli`], [`backup`], [`demo`] |
//! | the demonstration and its data | [`demo`] |
//! | connections, and HTTPS | [`http_server`], [`tls`] |
//! | the order of all middleware, and the middleware of the pages | [`middleware`] |
//!
//! All decisions about accounts are made in `core`. Pages and server functions are in `app`, the
//! JSON API and the other middleware in [`countersign_http`].
#![recursion_limit = "256"]

pub mod backup;
pub mod brand;
pub mod cli;
pub mod command_line;
pub mod config;
pub mod core_dumps;
pub mod data_download;
mod database;
pub mod demo;
mod gallery;
pub mod http_server;
pub mod logging;
pub mod messages;
pub mod middleware;
mod open_link;
mod page_policy;
pub mod router;
pub mod secret_file;
mod serve;
mod speculation_rules;
pub mod state;
mod static_files;
pub mod tls;

pub use router::router;
pub use serve::serve;
pub use state::AppState;
