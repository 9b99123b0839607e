//! The email address of the account: confirming it, and changing it.

pub mod confirm_code;
pub mod messages;
pub mod page;
pub mod request_change;
pub mod send_verification;

pub use confirm_code::{ConfirmCodeCall, confirm_code};
pub use page::EmailPage;
pub use request_change::{RequestEmailChangeCall, request_email_change};
pub use send_verification::{SendVerificationCall, send_verification};
