//! The page for unknown addresses.

pub mod messages;
pub mod page;

pub use page::NotFoundPage;
