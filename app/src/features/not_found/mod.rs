//! The page for unknown addresses.

pub mod messages;
mod page;

pub use page::NotFoundPage;
