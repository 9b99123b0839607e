//! The texts of the home page.

use countersign_types::{Message, messages};

messages! {
    HEADING = "Your account, in your hands.";
    YOUR_ACCOUNT = "Your account";
    YOUR_ACTIVITY = "Your activity";
    /// The greeting of a logged-in user without a name.
    HELLO = "Hello";
    HELLO_BY_NAME = "Hello, {name}";
    READY = "Ready when you are";
    READY_DESCRIPTION = "Every page works the moment you see it, even on a slow connection.";
    LOGGED_OUT = "Logged out means logged out";
    LOGGED_OUT_DESCRIPTION = "Every tab clears at once, and Back shows nothing.";
    NOTHING_HIDDEN = "Nothing happens behind your back";
    NOTHING_HIDDEN_DESCRIPTION = "Every log-in, wrong password and change is in your activity.";
}

pub const LEAD: Message = crate::messages::DESCRIPTION;
/// Titles and descriptions of what users get. The journeys `hydration` and `account-lifecycle` test
/// the first two.
pub const FEATURES: [(Message, Message); 3] = [
    (READY, READY_DESCRIPTION),
    (LOGGED_OUT, LOGGED_OUT_DESCRIPTION),
    (NOTHING_HIDDEN, NOTHING_HIDDEN_DESCRIPTION),
];

/// Returns the greeting of a logged-in user with a name.
pub fn hello(name: &str) -> String {
    HELLO_BY_NAME.with(&[("name", name)])
}

pub fn logged_in_as(email: &str) -> String {
    crate::messages::LOGGED_IN_AS.with(&[("email", email)])
}
