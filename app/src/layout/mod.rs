//! The page layout: the HTML document, the header and footer of the site, the panel of pages with a
//! single task, the navigation and notices of the account pages, the bar of a
//! demonstration, and the session of the page.

#[cfg(feature = "ssr")]
pub mod account_layout;
#[cfg(feature = "ssr")]
pub mod auth_layout;
pub mod connection_status;
#[cfg(feature = "ssr")]
pub mod demo_bar;
#[cfg(feature = "ssr")]
pub mod document;
pub mod messages;
pub mod session_monitor;
#[cfg(feature = "ssr")]
pub mod site_layout;
