//! The profile: email address and display name.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::ProfilePage;
pub use server_fn::{UpdateProfileCall, update_profile};
