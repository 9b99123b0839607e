//! The pages and the server functions. Compiled twice: for the server (feature `ssr`) and for the
//! browser (feature `hydrate`).
//!
//! The server renders the pages. The browser hydrates only the islands in them, which are the forms
//! and a few controls, and each link loads a page from the server.
//!
//! | topic | modules |
//! |---|---|
//! | the features: pages, islands, server functions and texts, a folder each | [`features`] |
//! | the root component, and the paths of all pages | `app` (server only), [`routes`] |
//! | what surrounds a page; the session of a page | [`layout`] |
//! | components without knowledge of accounts | [`ui`] |
//! | texts that several features share; name and links of the operator | [`messages`]; `brand`
//! (server only) |
//! | the browser: its APIs, the session and its token, calls of server functions | [`browser`] |
//! | what islands know of their page | [`page_query`], [`rendered`] |
//! | the logged-in user | `current_user` (server only) |
//! | redirects after log-in | [`return_to`] |
//! | the time zone of the user | [`time_zone`] |
//! | requests and responses of server functions | `request` (server only) |
//! | access levels of server functions, their errors | [`server_fn_access`], [`server_fn_error`] |
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod brand;
pub mod browser;
#[cfg(feature = "ssr")]
pub mod current_user;
pub mod features;
pub mod layout;
pub mod messages;
pub mod page_query;
pub mod rendered;
#[cfg(feature = "ssr")]
pub mod request;
pub mod return_to;
pub mod routes;
pub mod server_fn_access;
pub mod server_fn_error;
#[cfg(all(feature = "ssr", any(test, feature = "testing")))]
pub mod testing;
pub mod time_zone;
pub mod ui;

#[cfg(feature = "ssr")]
pub use app::App;

/// (browser) Prepares the islands. Called once, before they are hydrated.
pub fn start() {
    use futures::FutureExt;
    messages::read_replacements();
    browser::session::set_refresh_call(|| {
        browser::server_fn_client::call::<features::refresh::RefreshCall>().boxed_local()
    });
}
