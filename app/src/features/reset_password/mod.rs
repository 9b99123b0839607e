//! Choosing a new password with a link from an email.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod read_link;
pub mod server_fn;

pub use form::ResetPasswordForm;
#[cfg(feature = "ssr")]
pub use page::ResetPasswordPage;
pub use read_link::{ReadLinkCall, read_link};
pub use server_fn::{ResetPasswordCall, reset_password};
