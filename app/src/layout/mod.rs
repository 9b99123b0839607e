//! The frame of the pages: the HTML document, the header and footer of the site, and the navigation
//! and notices of the account pages.

pub mod account_layout;
pub mod document;
pub mod messages;
pub mod site_layout;
