//! The texts of the page that changes the password.

pub const HEADING: &str = "Password";
pub const LEAD: &str = "Changing your password logs you out on all your other devices.";
pub const REPORT_TITLE: &str = "Wasn't that you?";
pub const REPORT: &str = "Choose a new password. This logs out all your other devices, including \
    the one you don't recognise.";
pub const SAVE: &str = "Change password";
pub const SAVING: &str = "Changing…";
pub const SAVED: &str = "Password changed. All your other devices are logged out.";
