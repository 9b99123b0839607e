//! The texts of the page of a link that confirms an email address.

use countersign_types::messages;

messages! {
    HEADING = "Confirm your email address";
    CONFIRM = "Confirm email address";
    CHOOSE = "Choose a password for your new account. It replaces one that you may have chosen in \
        another browser.";
    CREATE = "Create account";
    CREATING = "Creating account…";
    LOG_IN_FIRST = "Log in to the account that this address is for, and open the link from the \
        email again. If you don't know of any, ignore the email.";
}
