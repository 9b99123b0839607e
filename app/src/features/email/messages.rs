//! The texts of the page for the email address.

pub const HEADING: &str = "Email address";
pub const NO_MAIL: &str = "This server sends no email, so the address can't be changed here.";
pub const CURRENT: &str = "Your address is {}.";
pub const NOT_CONFIRMED: &str = "It isn't confirmed yet. If you forget your password, we can help \
                                 you only at this address.";
pub const CONFIRM_THIS: &str = "Confirm this address";
pub const SEND_CODE: &str = "Send a code";
pub const WAITING: &str = "You asked to change it to {}. It changes when you enter the code from \
                           the email, or confirm with its link.";
pub const ENTER_CODE: &str = "Enter the code";
pub const CANCEL: &str = "Cancel the change";
pub const CHANGE: &str = "Change your email address";
pub const NEW_EMAIL: &str = "New email address";
pub const CHANGE_HELP: &str = "We'll send a code to the new address. Until you enter it, nothing \
                               changes.";
pub const SENDING: &str = "Sending…";
pub const ENTER_CODE_HELP: &str = "Enter the code from our email to {}. The code works for ten \
                                   minutes, and the link in the email for a day.";
pub const TAKEN_ADDRESS: &str = "If the address already has an account, nothing arrives.";
pub const NO_CODE_NEEDED: &str = "{} is confirmed, and no new address is waiting for a code.";
pub const ASK_AGAIN: &str = "Just asked for a change? Wait half a minute, then {}.";
pub const CONFIRM: &str = "Confirm";
pub const CHECKING: &str = "Checking…";
pub const START_AGAIN: &str = "Nothing there? Look in spam, or {}.";
pub const START_AGAIN_LINK: &str = "start again";
pub const CONFIRMED: &str = "Your email address is confirmed.";
