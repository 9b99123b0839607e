//! The home page.

pub mod messages;
mod page;

pub use page::HomePage;
