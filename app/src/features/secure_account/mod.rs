//! "This wasn't me": the page of the link in notices.

pub mod messages;
pub mod page;
pub mod server_fn;

pub use page::SecureAccountPage;
pub use server_fn::{SecureAccountCall, secure_account};
