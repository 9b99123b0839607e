//! The texts of the home page.

pub const HEADING: &str = "Your account, in your hands.";
pub const LEAD: &str = crate::messages::DESCRIPTION;
/// Titles and descriptions of what users get. The journeys `hydration` and `account-lifecycle` test
/// the first two.
pub const FEATURES: [(&str, &str); 3] = [
    ("Ready when you are", "Every page works the moment you see it, even on a slow connection."),
    ("Logged out means logged out", "Every tab clears at once, and Back shows nothing."),
    (
        "Nothing happens behind your back",
        "Every log-in, wrong password and change is in your activity.",
    ),
];
pub const YOUR_ACCOUNT: &str = "Your account";
pub const YOUR_ACTIVITY: &str = "Your activity";

/// The greeting of a logged-in user without a name.
pub const HELLO: &str = "Hello";

/// Returns the greeting of a logged-in user with a name.
pub fn hello(name: &str) -> String {
    format!("Hello, {name}")
}

pub fn logged_in_as(email: &str) -> String {
    format!("You're logged in as {email}.")
}
