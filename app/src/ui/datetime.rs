//! Dates and times, always in UTC: the server doesn't know the time zone of the user, and server
//! and browser must render the same text.

use crate::messages;
use countersign_types::Timestamp;
use leptos::prelude::*;

/// A date with its time to the minute: "22 November 2026, 17:12 UTC".
#[component]
pub fn DateTime(at: Timestamp) -> impl IntoView {
    let time = UtcDateTime::of(at);
    view! { <time datetime=time.rfc3339()>{time.to_the_minute()}</time> }
}

/// The time between `at` and `as_of`, with the exact time as tooltip. It isn't relative to the
/// current time, which differs between server and browser.
#[component]
pub fn RelativeTime(at: Timestamp, as_of: Timestamp) -> impl IntoView {
    let time = UtcDateTime::of(at);
    view! {
        <time datetime=time.rfc3339() title=time.to_the_minute()>
            {messages::last_active(as_of.since(at))}
        </time>
    }
}

/// A date: "22 November 2026".
#[component]
pub fn Date(at: Timestamp) -> impl IntoView {
    let time = UtcDateTime::of(at);
    view! { <time datetime=time.rfc3339()>{time.date()}</time> }
}

/// A date and time in UTC, in the proleptic Gregorian calendar.
struct UtcDateTime {
    year: i64,
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl UtcDateTime {
    /// Converts a timestamp.
    ///
    /// The algorithm counts days from 1 March of the year 0, so that the leap day is the last day
    /// of a year. An era is 400 years, after which the calendar repeats. (Howard Hinnant,
    /// "chrono-compatible low-level date algorithms", `civil_from_days`.)
    fn of(at: Timestamp) -> Self {
        let seconds = at.seconds();
        let (day, rest) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
        let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let month = usize::try_from((march + 2) % 12).unwrap_or_default();
        Self {
            year: year + era * 400 + i64::from(month < 2),
            month,
            day: day - (153 * march + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    fn date(&self) -> String {
        messages::date(self.year, self.month, self.day)
    }

    fn to_the_minute(&self) -> String {
        messages::date_time(&self.date(), self.hour, self.minute)
    }

    fn rfc3339(&self) -> String {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            self.year,
            self.month + 1,
            self.day,
            self.hour,
            self.minute,
            self.second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_converted_to_calendar_date() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_740_787_199, "2025-02-28T23:59:59Z"),
            (1_740_787_200, "2025-03-01T00:00:00Z"),
            (1_795_367_541, "2026-11-22T17:12:21Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UtcDateTime::of(Timestamp(seconds * 1000)).rfc3339(), text);
        }
        assert_eq!(UtcDateTime::of(Timestamp(1_795_367_541_999)).date(), "22 November 2026");
    }

    #[test]
    fn extreme_timestamps_are_converted() {
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!UtcDateTime::of(Timestamp(extreme)).rfc3339().is_empty());
        }
    }
}
