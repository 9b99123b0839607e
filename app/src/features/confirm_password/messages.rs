//! The texts of the page that asks for the password again.

pub const HEADING: &str = "Confirm it's you";
pub const LEAD: &str = "Enter your password again to continue.";
pub const FORGOT: &str = "Forgot your password?";
pub const CONTINUE: &str = "Continue";
