//! Data export and account deletion.

pub mod cancel_deletion;
pub mod delete_account;
#[cfg(feature = "ssr")]
pub mod document;
pub mod form;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;

pub use cancel_deletion::{CancelDeletionCall, cancel_deletion};
pub use delete_account::{DeleteAccountCall, delete_account};
pub use form::DeleteAccountForm;
#[cfg(feature = "ssr")]
pub use page::YourDataPage;
