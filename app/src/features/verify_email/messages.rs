//! The texts of the page for the code that completes a sign-up or log-in.

use countersign_types::messages;

messages! {
    HEADING = "Check your email";
    SENT = "We've sent an email with a link and a code to the address you entered.";
    SENT_AGAIN = "Another email is on its way, at most one in half a minute. Only the newest code \
        works.";
    CONTINUE = "Confirm";
    CHECKING = "Checking…";
    NOTHING_THERE = "Nothing there? Look in spam, or ask for another email.";
    SEND_ANOTHER = "Send another";
    WRONG_ADDRESS = "Wrong address? {change_it}";
    CONFIRMED_ELSEWHERE = "Already confirmed in another browser? {log_in}";
    CHANGE_IT = "Change it";
}
