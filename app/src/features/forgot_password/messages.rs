//! The texts of the page for a forgotten password.

pub const HEADING: &str = "Reset your password";
pub const LEAD: &str = "We'll email you a link and a code to choose a new one.";
pub const SEND: &str = "Send the link";
pub const SENDING: &str = "Sending…";
pub const BACK: &str = "Remembered it? {}";
pub const SENT_HEADING: &str = "Check your email";
pub const SENT: &str = "If there is an account with that address, an email with a link and a \
                        code is on its way.";
pub const CODE_HINT: &str = "Six digits.";
pub const CONTINUE: &str = "Continue";
pub const CHECKING: &str = "Checking…";
pub const NOTHING_THERE: &str = "Nothing there? Look in spam, or ask for another email.";
pub const SEND_ANOTHER: &str = "Send another";
pub const WRONG_ADDRESS: &str = "Wrong address? {}";
pub const CHANGE_IT: &str = "Change it";
