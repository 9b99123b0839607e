//! (server) Dates and times, in the time zone of the user: see [`crate::time_zone`].

use crate::{messages, time_zone::LocalTime};
use countersign_types::{Timestamp, UtcDateTime};
use leptos::prelude::*;

/// A date with its time to the minute: "22 November 2026, 18:12", or "22 November 2026, 17:12 UTC"
/// if the time zone is unknown.
#[component]
pub fn DateTime(
    /// The time.
    at: Timestamp,
) -> impl IntoView {
    view! { <time datetime=at.to_string()>{to_the_minute(LocalTime::of(at))}</time> }
}

/// How long ago something happened, with the exact time as tooltip.
#[component]
pub fn RelativeTime(
    /// The time at which it happened.
    at: Timestamp,
    /// The time at which the list was read.
    as_of: Timestamp,
) -> impl IntoView {
    view! {
        <time datetime=at.to_string() title=to_the_minute(LocalTime::of(at))>
            {messages::last_active(as_of.since(at))}
        </time>
    }
}

/// A date: "22 November 2026".
#[component]
pub fn Date(
    /// The time.
    at: Timestamp,
) -> impl IntoView {
    view! { <time datetime=at.to_string()>{date(LocalTime::of(at).civil)}</time> }
}

/// The time of a day, with the exact time as tooltip: "18:12", or "17:12 UTC" if the time zone is
/// unknown.
#[component]
pub fn TimeOfDay(
    /// The time.
    at: Timestamp,
) -> impl IntoView {
    let local = LocalTime::of(at);
    view! {
        <time datetime=at.to_string() title=to_the_minute(local)>
            {messages::time(local.civil.hour, local.civil.minute, local.is_zone_unknown)}
        </time>
    }
}

/// Returns the name of a day, relative to the day of `as_of`: "Today", "Yesterday", or the date.
pub(crate) fn day_name(day: LocalTime, as_of: Timestamp) -> String {
    if day.is_same_day(LocalTime::of(as_of)) {
        messages::TODAY.text().to_owned()
    } else if day.is_same_day(LocalTime::of(as_of).day_before()) {
        messages::YESTERDAY.text().to_owned()
    } else {
        date(day.civil)
    }
}

fn date(time: UtcDateTime) -> String {
    messages::date(time.year, time.month, time.day)
}

fn to_the_minute(LocalTime { civil, is_zone_unknown, .. }: LocalTime) -> String {
    messages::date_time(&date(civil), &messages::time(civil.hour, civil.minute, is_zone_unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::TimeSpan;

    /// 22 November 2026, 17:12.
    const AT: Timestamp = Timestamp(1_795_367_541_999);

    #[test]
    fn timestamp_is_shown_as_date_and_time() {
        let utc = LocalTime::of(AT);
        assert_eq!(date(utc.civil), "22 November 2026");
        assert_eq!(to_the_minute(utc), "22 November 2026, 17:12 UTC");
        let berlin = jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone");
        let local = LocalTime::in_zone(AT, Some(&berlin));
        assert_eq!(to_the_minute(local), "22 November 2026, 18:12");
    }

    #[test]
    fn day_is_named_relative_to_the_current_one() {
        let name = |days| day_name(LocalTime::of(AT - TimeSpan::days(days)), AT);
        assert_eq!([name(0), name(1), name(2)], ["Today", "Yesterday", "20 November 2026"]);
    }
}
