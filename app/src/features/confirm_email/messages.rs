//! The texts of the page of a link that confirms an email address.

pub const HEADING: &str = "Confirm your email address";
pub const CONFIRM: &str = "Confirm email address";
pub const CHOOSE: &str = "Choose a password for your new account. It replaces one that you may \
                          have chosen in another browser.";
pub const CREATE: &str = "Create account";
pub const CREATING: &str = "Creating account…";
pub const LOG_IN_FIRST: &str = "Log in to the account that this address is for, and open the link \
                                from the email again. If you don't know of any, ignore the email.";
