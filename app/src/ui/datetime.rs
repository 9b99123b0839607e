//! (server) Dates and times, always in UTC: the server doesn't know the time zone of the user.

use crate::messages;
use countersign_types::{Timestamp, UtcDateTime};
use leptos::prelude::*;

/// A date with its time to the minute: "22 November 2026, 17:12 UTC".
#[component]
pub fn DateTime(at: Timestamp) -> impl IntoView {
    view! { <time datetime=at.to_string()>{to_the_minute(at.into())}</time> }
}

/// The time between `at` and `as_of`, with the exact time as tooltip. It isn't relative to the
/// current time, which differs between server and browser.
#[component]
pub fn RelativeTime(at: Timestamp, as_of: Timestamp) -> impl IntoView {
    view! {
        <time datetime=at.to_string() title=to_the_minute(at.into())>
            {messages::last_active(as_of.since(at))}
        </time>
    }
}

/// A date: "22 November 2026".
#[component]
pub fn Date(at: Timestamp) -> impl IntoView {
    view! { <time datetime=at.to_string()>{date(at.into())}</time> }
}

fn date(time: UtcDateTime) -> String {
    messages::date(time.year, time.month, time.day)
}

fn to_the_minute(time: UtcDateTime) -> String {
    messages::date_time(&date(time), time.hour, time.minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_shown_as_date_and_time() {
        let at = Timestamp(1_795_367_541_999);
        assert_eq!(date(at.into()), "22 November 2026");
        assert_eq!(to_the_minute(at.into()), "22 November 2026, 17:12 UTC");
    }
}
