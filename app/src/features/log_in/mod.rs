//! Log-in with email address and password.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::LogInPage;
pub use server_fn::{LogInCall, log_in};
