//! A forgotten password: the request for an email, and the code from it.

pub mod enter_code;
pub mod messages;
pub mod page;
pub mod server_fn;

pub use enter_code::{EnterCodeCall, enter_code};
pub use page::ForgotPasswordPage;
pub use server_fn::{ForgotPasswordCall, forgot_password};
