//! The page for unknown addresses.

pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;

#[cfg(feature = "ssr")]
pub use page::NotFoundPage;
