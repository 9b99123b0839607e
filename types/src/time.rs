//! Timestamps and time spans in milliseconds. The current time comes from
//! `countersign_core::Clock`.

use crate::Message;
use serde::{Serialize, Serializer};
use std::{
    fmt,
    ops::{Add, Sub},
};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds. In the database
/// it is a number; in JSON it is text, as [`fmt::Display`] writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

#[cfg(feature = "sqlx")]
crate::sqlx_column!(Timestamp(i64));

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(pub i64);

#[cfg(feature = "sqlx")]
crate::sqlx_column!(TimeSpan(i64));

impl Timestamp {
    /// Returns the seconds since 1970, rounded down (`NumericDate` of RFC 7519).
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time since `earlier`. It is negative if the clock was set back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> TimeSpan {
        TimeSpan(self.0.saturating_sub(earlier.0))
    }
}

impl TimeSpan {
    /// Creates a span of `n` seconds.
    #[must_use]
    pub const fn seconds(n: i64) -> Self {
        Self(n.saturating_mul(1000))
    }

    /// Creates a span of `n` minutes.
    #[must_use]
    pub const fn minutes(n: i64) -> Self {
        Self::seconds(n.saturating_mul(60))
    }

    /// Creates a span of `n` days of 24 hours.
    #[must_use]
    pub const fn days(n: i64) -> Self {
        Self::minutes(n.saturating_mul(24 * 60))
    }

    /// Returns the seconds, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

// The arithmetic saturates, because a faulty clock or database can supply any value.
impl Add<TimeSpan> for Timestamp {
    type Output = Self;

    fn add(self, span: TimeSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<TimeSpan> for Timestamp {
    type Output = Self;

    fn sub(self, span: TimeSpan) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// The names of the months.
pub const MONTHS: &[Message] = months::MESSAGES.messages;

/// The names of the months, one by one.
pub mod months {
    crate::messages! {
        JANUARY = "January";
        FEBRUARY = "February";
        MARCH = "March";
        APRIL = "April";
        MAY = "May";
        JUNE = "June";
        JULY = "July";
        AUGUST = "August";
        SEPTEMBER = "September";
        OCTOBER = "October";
        NOVEMBER = "November";
        DECEMBER = "December";
    }
}

/// A date and time in UTC, in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcDateTime {
    /// The year.
    pub year: i64,
    /// The month, from 0 to 11.
    pub month: usize,
    /// The day of the month, from 1.
    pub day: i64,
    /// The hour, from 0 to 23.
    pub hour: i64,
    /// The minute, from 0 to 59.
    pub minute: i64,
    /// The second, from 0 to 59.
    pub second: i64,
}

/// The algorithm counts days from 1 March of the year 0, so that the leap day is the last day of a
/// year. An era is 400 years, after which the calendar repeats. (Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`.)
impl From<Timestamp> for UtcDateTime {
    fn from(at: Timestamp) -> Self {
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
}

/// Writes the time as RFC 3339, in UTC, with milliseconds unless they are zero. The format has four
/// digits for the year; a time before or after that, which only a corrupt database could contain,
/// becomes 1970.
impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UtcDateTime { year, month, day, hour, minute, second } = (*self).into();
        if !(0..=9999).contains(&year) {
            return out.write_str("1970-01-01T00:00:00Z");
        }
        let month = month + 1;
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        // Three digits: JavaScript specifies no other number (ECMA-262, 21.4.1.32).
        let milliseconds = self.0.rem_euclid(1000);
        if milliseconds != 0 {
            write!(out, ".{milliseconds:03}")?;
        }
        out.write_str("Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_formatted_as_rfc3339() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-1_000, "1969-12-31T23:59:59Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_800_000, "2000-03-01T00:00:00Z"),
            (1_740_787_199_000, "2025-02-28T23:59:59Z"),
            (1_740_787_200_000, "2025-03-01T00:00:00Z"),
            (1_767_225_600_000, "2026-01-01T00:00:00Z"),
            (1_767_225_600_120, "2026-01-01T00:00:00.120Z"),
            (1_767_225_600_100, "2026-01-01T00:00:00.100Z"),
            (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
            (1_767_225_600_070, "2026-01-01T00:00:00.070Z"),
            (1_795_367_541_000, "2026-11-22T17:12:21Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp(milliseconds).to_string(), text);
            let json = serde_json::to_string(&Timestamp(milliseconds)).expect("JSON");
            assert_eq!(json, format!("\"{text}\""));
        }
    }

    #[test]
    fn timestamp_outside_of_rfc3339_becomes_1970() {
        for milliseconds in [i64::MIN, -62_167_219_200_001, 253_402_300_800_000, i64::MAX] {
            assert_eq!(Timestamp(milliseconds).to_string(), "1970-01-01T00:00:00Z");
        }
    }
}
