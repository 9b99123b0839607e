//! The texts of the page of activity.

use countersign_types::ActivityFilter;

pub const HEADING: &str = "Activity";
pub const LEAD: &str = "What's happened in your account, newest first.";
pub const NOT_ME: &str = "This wasn't me";

/// Returns how often an event was repeated.
pub fn times(count: usize) -> String {
    format!(" · {count} times")
}

pub const NO_MORE: &str = "That's everything.";
pub const OLDER: &str = "Show older";
pub const SEARCH_OLDER: &str = "Search older activity";
pub const NEWEST: &str = "Back to newest";

/// The name of the filters, for screen readers.
pub const FILTERS: &str = "Filter activity";

/// The texts of a list with a filter.
pub struct FilterTexts {
    /// The name of the filter.
    pub name: &'static str,
    /// There are no events.
    pub empty: &'static str,
    /// The events that were read contain none. `{}` is the time of the oldest of them.
    pub none_since: &'static str,
    /// The events that were read after those of the list or of the previous page contain none.
    pub none_older_since: &'static str,
}

/// Returns the texts of a filter.
pub const fn filter(filter: ActivityFilter) -> FilterTexts {
    match filter {
        ActivityFilter::All => FilterTexts {
            name: "All",
            empty: "No activity yet.",
            none_since: "No activity since {}.",
            none_older_since: "No more activity back to {}.",
        },
        ActivityFilter::LogIns => FilterTexts {
            name: "Log-ins",
            empty: "No log-ins yet.",
            none_since: "No log-ins since {}.",
            none_older_since: "No more log-ins back to {}.",
        },
        ActivityFilter::Changes => FilterTexts {
            name: "Changes",
            empty: "No changes yet.",
            none_since: "No changes since {}.",
            none_older_since: "No more changes back to {}.",
        },
        ActivityFilter::Warnings => FilterTexts {
            name: "Warnings",
            empty: "No warnings.",
            none_since: "No warnings since {}.",
            none_older_since: "No more warnings back to {}.",
        },
    }
}
