//! Confirmation of the password, before something that requires a fresh authentication.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use form::ConfirmPasswordForm;
#[cfg(feature = "ssr")]
pub use page::ConfirmPasswordPage;
pub use server_fn::{ConfirmPasswordCall, confirm_password};
