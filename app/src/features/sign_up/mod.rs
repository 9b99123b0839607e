//! Sign-up.

pub mod messages;
mod page;
mod server_fn;

pub use page::SignUpPage;
pub use server_fn::{SignUpCall, sign_up};
