//! The texts of the page for a forgotten password.

use countersign_types::messages;

messages! {
    HEADING = "Reset your password";
    LEAD = "We'll email you a link and a code to choose a new one.";
    SEND = "Send the link";
    SENDING = "Sending…";
    BACK = "Remembered it? {log_in}";
    SENT_HEADING = "Check your email";
    SENT = "If there is an account with that address, an email with a link and a code is on its \
        way.";
    CODE_HINT = "Six digits.";
    CONTINUE = "Continue";
    CHECKING = "Checking…";
    NOTHING_THERE = "Nothing there? Look in spam, or ask for another email.";
    SEND_ANOTHER = "Send another";
    WRONG_ADDRESS = "Wrong address? {change_it}";
    CHANGE_IT = "Change it";
}
