//! The texts of the page for the email address.

use countersign_types::messages;

messages! {
    HEADING = "Email address";
    NO_MAIL = "This server sends no email, so the address can't be changed here.";
    CURRENT = "Your address is {email}.";
    NOT_CONFIRMED = "It isn't confirmed yet. If you forget your password, we can help you only at \
        this address.";
    CONFIRM_THIS = "Confirm this address";
    SEND_CODE = "Send a code";
    WAITING = "You asked to change it to {email}. It changes when you enter the code from the \
        email, or confirm with its link.";
    ENTER_CODE = "Enter the code";
    CANCEL = "Cancel the change";
    CHANGE = "Change your email address";
    NEW_EMAIL = "New email address";
    CHANGE_HELP = "We'll send a code to the new address. Until you enter it, nothing changes.";
    SENDING = "Sending…";
    ENTER_CODE_HELP = "Enter the code from our email to {email}. The code works for ten minutes, \
        and the link in the email for a day.";
    TAKEN_ADDRESS = "If the address already has an account, nothing arrives.";
    NO_CODE_NEEDED = "{email} is confirmed, and no new address is waiting for a code.";
    ASK_AGAIN = "Just asked for a change? Wait half a minute, then {start_again}.";
    CONFIRM = "Confirm";
    CHECKING = "Checking…";
    START_AGAIN = "Nothing there? Look in spam, or {start_again}.";
    START_AGAIN_LINK = "start again";
    CONFIRMED = "Your email address is confirmed.";
}
