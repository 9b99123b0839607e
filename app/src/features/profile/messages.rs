//! The texts of the profile page.

pub const HEADING: &str = "Profile";
pub const SINCE: &str = "Account created";
pub const SAVE: &str = "Save name";
pub const SAVING: &str = "Saving…";
pub const SAVED: &str = "Name saved.";
pub const UNCHANGED: &str = "Nothing to save.";
pub const LOG_OUT_HELP: &str = "Ends this session in every tab of this browser.";
