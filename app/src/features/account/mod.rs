//! Server functions that every account page uses.

pub mod current_account;
pub mod dismiss_notice;

pub use current_account::{CurrentAccountCall, current_account};
pub use dismiss_notice::{DismissNoticeCall, dismiss_notice};
