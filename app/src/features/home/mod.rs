//! (server) The home page.

pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;

#[cfg(feature = "ssr")]
pub use page::HomePage;
