//! The activity list.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::ActivityPage;
pub use server_fn::{ListActivityCall, list_activity};
