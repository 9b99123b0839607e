//! "This wasn't me": the page of the link in notices.

pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod server_fn;

#[cfg(feature = "ssr")]
pub use page::SecureAccountPage;
pub use server_fn::{SecureAccountCall, secure_account};
