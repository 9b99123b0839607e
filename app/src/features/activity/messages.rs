//! The texts of the page of activity.

use countersign_types::{ActivityFilter, Message, messages};

messages! {
    HEADING = "Activity";
    LEAD = "What's happened in your account, newest first.";
    NOT_ME = "This wasn't me";
    NO_MORE = "That's everything.";
    OLDER = "Show older";
    SEARCH_OLDER = "Search older activity";
    NEWEST = "Back to newest";
    /// The name of the filters, for screen readers.
    FILTERS = "Filter activity";
    /// How often an event was repeated, after its text.
    TIMES = " · {count} times";
    ALL = "All";
    NO_ACTIVITY = "No activity yet.";
    NO_ACTIVITY_SINCE = "No activity since {time}.";
    NO_OLDER_ACTIVITY = "No more activity back to {time}.";
    LOG_INS = "Log-ins";
    NO_LOG_INS = "No log-ins yet.";
    NO_LOG_INS_SINCE = "No log-ins since {time}.";
    NO_OLDER_LOG_INS = "No more log-ins back to {time}.";
    CHANGES = "Changes";
    NO_CHANGES = "No changes yet.";
    NO_CHANGES_SINCE = "No changes since {time}.";
    NO_OLDER_CHANGES = "No more changes back to {time}.";
    WARNINGS = "Warnings";
    NO_WARNINGS = "No warnings.";
    NO_WARNINGS_SINCE = "No warnings since {time}.";
    NO_OLDER_WARNINGS = "No more warnings back to {time}.";
}

/// Returns how often an event was repeated.
pub fn times(count: usize) -> String {
    TIMES.with(&[("count", &count.to_string())])
}

/// The texts of a list with a filter.
pub struct FilterTexts {
    /// The name of the filter.
    pub name: Message,
    /// There are no events.
    pub empty: Message,
    /// The events that were read contain none. The placeholder is the time of the oldest of them.
    pub none_since: Message,
    /// The events that were read after those of the list or of the previous page contain none.
    pub none_older_since: Message,
}

/// Returns the texts of a filter.
pub const fn filter(filter: ActivityFilter) -> FilterTexts {
    let (name, empty, none_since, none_older_since) = match filter {
        ActivityFilter::All => (ALL, NO_ACTIVITY, NO_ACTIVITY_SINCE, NO_OLDER_ACTIVITY),
        ActivityFilter::LogIns => (LOG_INS, NO_LOG_INS, NO_LOG_INS_SINCE, NO_OLDER_LOG_INS),
        ActivityFilter::Changes => (CHANGES, NO_CHANGES, NO_CHANGES_SINCE, NO_OLDER_CHANGES),
        ActivityFilter::Warnings => (WARNINGS, NO_WARNINGS, NO_WARNINGS_SINCE, NO_OLDER_WARNINGS),
    };
    FilterTexts { name, empty, none_since, none_older_since }
}
