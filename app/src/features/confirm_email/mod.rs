//! Confirming an email address with the link from an email.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::ConfirmEmailPage;
pub use server_fn::{ConfirmEmailCall, confirm_email};
