//! Changing the password.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use form::PasswordForm;
#[cfg(feature = "ssr")]
pub use page::PasswordPage;
pub use server_fn::{ChangePasswordCall, change_password};
