//! Points in time as people read them, always in UTC: the server does not know where the reader is, and both sides must write the same.

use crate::words::{self, MONTHS};
use contract::Timestamp;
use leptos::prelude::*;

/// A day and a minute: "22 November 2026, 17:12 UTC".
#[component]
pub fn When(at: Timestamp) -> impl IntoView {
    let time = Civil::of(at);
    view! { <time datetime=time.rfc3339()>{time.to_the_minute()}</time> }
}

/// How long ago something was at `as_of`, and on hovering, when. (Not at this moment: the server and the browser would say different things.)
#[component]
pub fn Ago(at: Timestamp, as_of: Timestamp) -> impl IntoView {
    let time = Civil::of(at);
    view! { <time datetime=time.rfc3339() title=time.to_the_minute()>{words::ago(as_of.since(at))}</time> }
}

/// A day: "22 November 2026".
#[component]
pub fn Day(at: Timestamp) -> impl IntoView {
    let time = Civil::of(at);
    view! { <time datetime=time.rfc3339()>{time.date()}</time> }
}

/// A point in time by the calendar and the clock, in UTC.
struct Civil {
    year: i64,
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// Days are counted from 1 March of the year 0, so that the leap day is the last of its year; an era is 400 years, after which the
    /// calendar repeats. (Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.)
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
        format!("{} {} {}", self.day, MONTHS[self.month], self.year)
    }

    fn to_the_minute(&self) -> String {
        format!("{}, {:02}:{:02} UTC", self.date(), self.hour, self.minute)
    }

    fn rfc3339(&self) -> String {
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", self.year, self.month + 1, self.day, self.hour, self.minute, self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
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
            assert_eq!(Civil::of(Timestamp(seconds * 1000)).rfc3339(), text);
        }
        assert_eq!(Civil::of(Timestamp(1_795_367_541_999)).date(), "22 November 2026");
    }

    #[test]
    fn no_time_is_out_of_range() {
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!Civil::of(Timestamp(extreme)).rfc3339().is_empty());
        }
    }
}
