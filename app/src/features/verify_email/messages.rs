//! The texts of the page for the code that completes a sign-up or log-in.

pub const HEADING: &str = "Check your email";
pub const SENT: &str = "We've sent an email with a link and a code to the address you entered.";
pub const SENT_AGAIN: &str = "Another email is on its way, at most one in half a minute. Only the \
                              newest code works.";
pub const CONTINUE: &str = "Confirm";
pub const CHECKING: &str = "Checking…";
pub const NOTHING_THERE: &str = "Nothing there? Look in spam, or ask for another email.";
pub const SEND_ANOTHER: &str = "Send another";
pub const WRONG_ADDRESS: &str = "Wrong address? {}";
pub const CONFIRMED_ELSEWHERE: &str = "Already confirmed in another browser? {}";
pub const CHANGE_IT: &str = "Change it";
