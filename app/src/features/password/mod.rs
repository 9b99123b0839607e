//! Changing the password.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::PasswordPage;
pub use server_fn::{ChangePasswordCall, change_password};
