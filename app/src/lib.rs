//! The pages and the server functions. Compiled twice: for the server (feature `ssr`) and for the
//! browser (feature `hydrate`).
//!
//! | topic | modules |
//! |---|---|
//! | user interface | [`pages`], built from [`ui`] and [`messages`], inside [`document`] |
//! | server functions | [`api`] |
//! | calls of server functions: token, refresh, other tabs | [`server_fn_client`], [`session`] |
//! | JSON in the browser | [`json_codec`], [`js_json`] |
//! | what the browser offers: storage, locks, history | [`browser`] |
//! | unreachable server, forms that outlive a session | [`connection`], [`form_drafts`] |
//! | logged-in user, data that pages load | [`current_user`], [`resource`] |
//! | requests and responses of server functions | `request` (server only) |
//! | errors of server functions | [`server_fn_error`] |
#![recursion_limit = "256"]

pub mod api;
pub mod browser;
pub mod connection;
pub mod current_user;
pub mod document;
pub mod eager_view;
#[cfg(feature = "ssr")]
pub mod export_html;
pub mod form_drafts;
pub mod js_json;
pub mod json_codec;
pub mod messages;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod request;
pub mod resource;
pub mod routes;
pub mod server_fn_client;
pub mod server_fn_error;
pub mod session;
#[cfg(all(feature = "ssr", any(test, feature = "testing")))]
pub mod testing;
pub mod ui;
