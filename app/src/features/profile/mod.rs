//! The profile: email address and display name.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use form::ProfileForm;
#[cfg(feature = "ssr")]
pub use page::ProfilePage;
pub use server_fn::{UpdateProfileCall, update_profile};
