//! The texts of the page that asks for the password again.

pub const HEADING: &str = "Confirm it's you";
pub const LEAD: &str = "Enter your password again to continue.";
pub const ACCOUNT: &str = "You're logged in as {}.";
pub const CONTINUE: &str = "Continue";
pub const WORKING: &str = "Checking…";
