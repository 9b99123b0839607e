//! The texts of the sign-up page.

pub const HEADING: &str = "Create your account";
pub const FIRST_ADMIN: &str = "This account will be the administrator.";
pub const SUBMIT: &str = "Create account";
pub const WORKING: &str = "Creating account…";
pub const ALREADY: &str = "Already have an account? {}";
