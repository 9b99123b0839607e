//! The texts of the page of sessions. Users know them as devices.

pub const HEADING: &str = "Devices";
pub const LEAD: &str = "These devices are logged in to your account. Don't recognise one? \
    Log it out, then change your password.";
pub const LIST_TITLE: &str = "Where you're logged in";
pub const CURRENT_SESSION: &str = "This device";
pub const SINCE: &str = "since {}";
pub const END_OTHERS: &str = "Log out all other devices";
pub const END_OTHERS_TITLE: &str = "Log out all other devices?";
pub const END_OTHERS_HELP: &str =
    "They'll need your password to get back in. You stay logged in here.";
pub const ENDED: &str = "Device logged out.";

/// Returns the result of logging out a device.
pub fn ended(device: &str) -> String {
    format!("Logged out {device}.")
}

pub const OTHERS_ENDED: &str = "All your other devices are logged out.";
pub const NO_OTHER_SESSIONS: &str = "You're not logged in anywhere else.";
