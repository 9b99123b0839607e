//! The texts of the page that asks for the password again.

use countersign_types::messages;

messages! {
    HEADING = "Confirm it's you";
    LEAD = "Enter your password again to continue.";
    FORGOT = "Forgot your password?";
    CONTINUE = "Continue";
}
