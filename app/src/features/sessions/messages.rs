//! The texts of the page of sessions.

pub const HEADING: &str = "Sessions";
pub const LEAD: &str = "These devices are logged in to your account. Don't recognise one? \
    Log it out, then change your password.";
pub const CURRENT_SESSION: &str = "This device";
pub const SINCE: &str = "since {}";
pub const END_OTHERS: &str = "Log out all other devices";
pub const END_OTHERS_TITLE: &str = "Log out all other devices?";
pub const END_OTHERS_HELP: &str =
    "They'll need your password to get back in. You stay logged in here.";
pub const ENDED: &str = "The device is logged out.";
pub const OTHERS_ENDED: &str = "All your other devices are logged out.";
pub const NO_OTHER_SESSIONS: &str = "You're not logged in anywhere else.";
