//! The activity list.

pub mod messages;
mod page;
mod server_fn;

pub use page::ActivityPage;
pub use server_fn::{ListActivityCall, list_activity};
