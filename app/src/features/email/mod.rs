//! The email address of the account: confirming it, and changing it.

pub mod cancel_change;
pub mod confirm_code;
pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod postpone_verification;
pub mod request_change;
pub mod send_verification;

pub use cancel_change::{CancelEmailChangeCall, cancel_email_change};
pub use confirm_code::{ConfirmCodeCall, confirm_code};
pub use form::{ChangeEmailForm, ConfirmCodeForm};
#[cfg(feature = "ssr")]
pub use page::EmailPage;
pub use postpone_verification::{PostponeVerificationCall, postpone_verification};
pub use request_change::{RequestEmailChangeCall, request_email_change};
pub use send_verification::{SendVerificationCall, send_verification};
