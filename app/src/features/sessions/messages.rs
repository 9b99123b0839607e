//! The texts of the page of sessions. Users know them as devices.

use countersign_types::messages;

messages! {
    HEADING = "Devices";
    LEAD = "These devices are logged in to your account. Don't recognise one? Log it out, then \
        change your password.";
    LIST_TITLE = "Where you're logged in";
    CURRENT_SESSION = "This device";
    SINCE = "since {date}";
    END_OTHERS = "Log out all other devices";
    END_OTHERS_TITLE = "Log out all other devices?";
    END_OTHERS_HELP = "They'll need your password to get back in. You stay logged in here.";
    ENDED = "Device logged out.";
    LOGGED_OUT = "Logged out {device}.";
    OTHERS_ENDED = "All your other devices are logged out.";
    NO_OTHER_SESSIONS = "You're not logged in anywhere else.";
}

/// Returns the result of logging out a device.
pub fn ended(device: &str) -> String {
    LOGGED_OUT.with(&[("device", device)])
}
