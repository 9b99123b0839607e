//! Log-out. Its button is in the header and on the profile page, so it has no page of its own.

pub mod form;
pub mod server_fn;

pub use form::{LogOutForm, LogOutProblem};
pub use server_fn::{LogOutCall, log_out};
