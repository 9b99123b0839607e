//! Verifying the email address of a sign-up or log-in, in the browser where it began.

pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod resend;
pub mod server_fn;

pub use form::VerifyEmailForm;
#[cfg(feature = "ssr")]
pub use page::VerifyEmailPage;
pub use resend::{ResendVerificationCall, resend_verification};
pub use server_fn::{VerifyEmailCall, verify_email};
