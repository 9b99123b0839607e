//! The texts of the page that chooses a new password with a link.

pub const HEADING: &str = "Choose a new password";
pub const FOR: &str = "For {}";
pub const SAVE: &str = "Save and log out everywhere";
pub const SAVING: &str = "Saving…";
pub const NEW_LINK: &str = "Send a new link";
