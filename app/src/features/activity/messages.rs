//! The texts of the page of activity.

pub const HEADING: &str = "Activity";
pub const LEAD: &str = "Everything that happened on your account, newest first.";
pub const EMPTY: &str = "No activity yet.";
pub const NO_MORE: &str = "That's everything.";
pub const OLDER: &str = "Show older";
pub const NEWEST: &str = "Back to newest";
