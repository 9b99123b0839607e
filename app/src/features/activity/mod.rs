//! The activity list.

pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

#[cfg(feature = "ssr")]
pub use page::ActivityPage;
pub use server_fn::{ListActivityCall, list_activity};
