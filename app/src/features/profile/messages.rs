//! The texts of the profile page.

pub const HEADING: &str = "Profile";
pub const CREATED_AT: &str = "Account created";
pub const CHANGE: &str = "Change";
pub const CHANGE_EMAIL: &str = "Change email address";
pub const SAVE: &str = "Save name";
pub const SAVING: &str = "Saving…";
pub const SAVED: &str = "Name saved.";
pub const UNCHANGED: &str = "Nothing to save.";
