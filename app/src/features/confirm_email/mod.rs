//! Confirming an email address with the link from an email.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use form::ChoosePasswordForm;
#[cfg(feature = "ssr")]
pub use page::ConfirmEmailPage;
pub use server_fn::{ConfirmEmailCall, confirm_email};
