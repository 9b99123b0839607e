//! Confirmation of the password, before something that requires a fresh authentication.

#[cfg(feature = "ssr")]
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

#[cfg(feature = "ssr")]
pub use page::ConfirmPasswordPage;
pub use server_fn::{ConfirmPasswordCall, confirm_password};
