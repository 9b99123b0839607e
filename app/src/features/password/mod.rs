//! Changing the password.

pub mod messages;
mod page;
mod server_fn;

pub use page::PasswordPage;
pub use server_fn::{ChangePasswordCall, change_password};
