//! Log-in with email address and password.

pub mod messages;
mod page;
mod server_fn;

pub use page::LogInPage;
pub use server_fn::{LogInCall, log_in};
