//! HTTP for axum: credentials, cookies, middleware, the JSON API and OAuth. Nothing here depends on
//! Leptos; the pages, their server functions and the router of the whole site are in other crates.
//!
//! | to learn about | read |
//! |---|---|
//! | the state, and the settings it is built from | [`state`] |
//! | which credential a request may use | [`credentials`], [`cookies`] |
//! | what happens to every request | [`middleware`], [`context`], [`client_ip`], `allowed_hosts` |
//! | limits of memory and of concurrent work | [`budgets`], [`quota`], [`export_slots`] |
//! | errors and their JSON form | [`error`], [`problem`], [`challenge`] |
//! | the JSON API and its extractors | [`api`], [`extract`] |
//! | OAuth | [`oauth`] |
//! | warnings about settings that only requests show | `config_warnings` |
//!
//! All decisions about accounts are made in `core`.

mod allowed_hosts;
pub mod api;
pub mod budgets;
pub mod challenge;
pub mod client_ip;
mod config_warnings;
pub mod context;
pub mod cookies;
pub mod credentials;
pub mod error;
pub mod export_slots;
pub mod extract;
pub mod middleware;
pub mod oauth;
pub mod problem;
pub mod quota;
pub mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use state::{HttpSettings, HttpState, IntrospectionSecret};
