//! Server functions that every account page uses.

mod current_account;
mod dismiss_notice;

pub use current_account::{CurrentAccountCall, current_account};
pub use dismiss_notice::{DismissNoticeCall, dismiss_notice};
