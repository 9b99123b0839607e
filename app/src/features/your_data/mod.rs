//! Data export and account deletion.

mod cancel_deletion;
mod delete_account;
#[cfg(feature = "ssr")]
pub mod document;
pub mod messages;
mod page;

pub use cancel_deletion::{CancelDeletionCall, cancel_deletion};
pub use delete_account::{DeleteAccountCall, delete_account};
pub use page::YourDataPage;
