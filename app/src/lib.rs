//! The pages and the server functions. Compiled twice: for the server (feature `ssr`) and for the
//! browser (feature `hydrate`).
//!
//! | topic | modules |
//! |---|---|
//! | the features: pages, server functions and texts, a folder each | [`features`] |
//! | the root component, and the paths of all pages | [`app`], [`routes`] |
//! | the chunk of the account pages | [`lazy_pages`] |
//! | what surrounds a page | [`layout`] |
//! | components without knowledge of accounts | [`ui`] |
//! | texts that several features share | [`messages`] |
//! | the browser: its APIs, the session and its token, calls of server functions | [`browser`] |
//! | logged-in user, data that pages load | [`current_user`], [`resource`] |
//! | redirects after log-in | [`return_to`] |
//! | requests and responses of server functions | `request` (server only) |
//! | access levels of server functions, their errors | [`server_fn_access`], [`server_fn_error`] |
#![recursion_limit = "256"]

pub mod app;
pub mod browser;
pub mod current_user;
pub mod eager_view;
pub mod features;
pub mod layout;
pub mod lazy_pages;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod request;
pub mod resource;
pub mod return_to;
pub mod routes;
pub mod server_fn_access;
pub mod server_fn_error;
#[cfg(all(feature = "ssr", any(test, feature = "testing")))]
pub mod testing;
pub mod ui;

pub use app::{App, prepare_hydration};
