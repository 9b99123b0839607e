//! A forgotten password: the request for an email, and the code from it.

pub mod enter_code;
pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

pub use enter_code::{EnterCodeCall, enter_code};
pub use form::{EnterCodeForm, ForgotPasswordForm};
#[cfg(feature = "ssr")]
pub use page::ForgotPasswordPage;
pub use server_fn::{ForgotPasswordCall, forgot_password};
