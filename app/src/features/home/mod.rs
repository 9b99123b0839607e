//! The home page.

pub mod messages;
pub mod page;

pub use page::HomePage;
