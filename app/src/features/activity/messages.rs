//! The texts of the page of activity.

pub const HEADING: &str = "Activity";
pub const LEAD: &str = "Everything that's happened in your account, newest first.";
pub const NOT_ME: &str = "This wasn't me";

/// Returns how often an event was repeated.
pub fn times(count: usize) -> String {
    format!(" · {count} times")
}

pub const EMPTY: &str = "No activity yet.";
pub const NO_MORE: &str = "That's everything.";
pub const OLDER: &str = "Show older";
pub const NEWEST: &str = "Back to newest";
