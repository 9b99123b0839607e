//! The program: reads the configuration, wires the domain to HTTP, serves.
//!
//! | to learn about | read |
//! |---|---|
//! | everything that can be requested, on one screen | [`router`] |
//! | settings | [`config`] |
//! | connections, and HTTPS | [`accept`], [`tls`] |
//! | what every answer carries, and who may call from where | [`layers`] |
//! | the JSON API | [`http`] |
//!
//! Nothing is decided here that is about accounts: that is `core`. Pages and their functions are
//! `app`.
#![recursion_limit = "256"]

pub mod accept;
pub mod backup;
pub mod cli;
pub mod config;
pub mod core_dumps;
mod database;
pub mod downloads;
mod exports;
mod files;
pub mod http;
pub mod layers;
mod listen;
pub mod logs;
mod notices;
mod quota;
pub mod router;
pub mod secret_file;
pub mod tls;

pub use listen::serve;
pub use router::{Server, router};
