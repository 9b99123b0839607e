//! Sign-up.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use form::{SignUpForm, SignUpFormLink};
#[cfg(feature = "ssr")]
pub use page::SignUpPage;
pub use server_fn::{SignUpCall, sign_up};
