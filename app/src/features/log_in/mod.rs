//! Log-in with email address and password.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use form::LogInForm;
#[cfg(feature = "ssr")]
pub use page::LogInPage;
pub use server_fn::{LogInCall, log_in};
