//! Sign-up.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::SignUpPage;
pub use server_fn::{SignUpCall, sign_up};
