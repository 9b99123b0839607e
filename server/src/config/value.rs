//! How values of settings are written, and which are accepted.

use countersign_core::{ServerSecret, store::DatabaseUrl};
use countersign_types::TimeSpan;
use http::uri::Authority;
use ipnet::IpNet;
use std::{collections::BTreeSet, net::SocketAddr, ops::RangeInclusive, path::PathBuf};

/// The type of a setting.
pub(crate) trait SettingValue: Sized {
    /// Part of a row of the table that is needed to parse values: a range for numbers and
    /// durations, otherwise nothing.
    type Bounds: Bounds;

    /// Parses a value that is not empty. The error continues the name of the setting, such as "must
    /// be on or off". It doesn't contain the value, which may be a secret.
    fn parse(text: &str, bounds: &Self::Bounds) -> Result<Self, String>;

    /// Returns the text that `countersign config` prints. It contains no secret.
    fn to_text(&self) -> String;
}

/// A source of values.
pub(super) trait ReadValue {
    /// Returns the value of the setting with this name, or `default` if it is not set, empty or
    /// invalid.
    fn read<T: SettingValue>(&mut self, name: &'static str, default: T, bounds: &T::Bounds) -> T;
}

/// Bounds of the values of a setting.
pub(crate) trait Bounds {
    /// Returns a sentence for docs/SETTINGS.md, after a space, or an empty text.
    fn to_markdown(&self) -> String;
}

impl Bounds for () {
    fn to_markdown(&self) -> String {
        String::new()
    }
}

impl<T: SettingValue> Bounds for RangeInclusive<T> {
    fn to_markdown(&self) -> String {
        format!(" From `{}` to `{}`.", self.start().to_text(), self.end().to_text())
    }
}

/// The value of a setting that is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DefaultValue {
    /// A constant, as `countersign config` prints it.
    Fixed(String),
    /// A value that depends on the machine or on other settings: a description in Markdown.
    Computed(&'static str),
}

impl DefaultValue {
    pub(super) fn of<T: SettingValue>(value: &T) -> Self {
        Self::Fixed(value.to_text())
    }
}

/// The text of a value that is not set.
pub(super) const NONE: &str = "none";

impl<T: SettingValue> SettingValue for Option<T> {
    type Bounds = T::Bounds;

    fn parse(text: &str, bounds: &T::Bounds) -> Result<Self, String> {
        T::parse(text, bounds).map(Some)
    }

    fn to_text(&self) -> String {
        self.as_ref().map_or_else(|| NONE.to_owned(), T::to_text)
    }
}

/// A list, separated by commas.
impl<T: SettingValue> SettingValue for Vec<T> {
    type Bounds = T::Bounds;

    fn parse(text: &str, bounds: &T::Bounds) -> Result<Self, String> {
        let mut errors = BTreeSet::new();
        let mut parse = |item: &str| T::parse(item.trim(), bounds).map_err(|e| errors.insert(e));
        let values = text.split(',').filter_map(|item| parse(item).ok()).collect();
        if errors.is_empty() {
            return Ok(values);
        }
        let errors = errors.into_iter().collect::<Vec<_>>().join("; ");
        Err(format!("is a list, separated by commas, in which each value {errors}"))
    }

    fn to_text(&self) -> String {
        if self.is_empty() {
            return NONE.to_owned();
        }
        self.iter().map(T::to_text).collect::<Vec<_>>().join(",")
    }
}

/// `on` or `off`.
impl SettingValue for bool {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("must be on or off".to_owned()),
        }
    }

    fn to_text(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }
}

impl SettingValue for TimeSpan {
    type Bounds = RangeInclusive<Self>;

    fn parse(text: &str, bounds: &Self::Bounds) -> Result<Self, String> {
        parse_duration(text).filter(|span| bounds.contains(span)).ok_or_else(|| {
            format!(
                "must be from {} to {}, in a form such as 30s, 10m, 12h or 14d",
                bounds.start().to_text(),
                bounds.end().to_text()
            )
        })
    }

    fn to_text(&self) -> String {
        let seconds = self.as_seconds();
        let (size, unit) = [(86_400, 'd'), (3600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(size, _)| seconds >= *size && seconds % size == 0)
            .unwrap_or((1, 's'));
        format!("{}{unit}", seconds / size)
    }
}

/// Parses a duration: `30s`, `10m`, `12h`, `14d`.
pub(super) fn parse_duration(text: &str) -> Option<TimeSpan> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(TimeSpan::seconds(i64::from(number) * seconds))
}

/// Implements the trait for numbers.
macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl SettingValue for $number {
            type Bounds = RangeInclusive<Self>;

            fn parse(text: &str, bounds: &Self::Bounds) -> Result<Self, String> {
                text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
                    format!("must be a number from {} to {}", bounds.start(), bounds.end())
                })
            }

            fn to_text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

numbers!(u16, u32, u64, usize);

/// Implements the trait for types that parse and print themselves.
macro_rules! self_describing {
    ($($value:ty: $expected:literal),+) => {$(
        impl SettingValue for $value {
            type Bounds = ();

            fn parse(text: &str, (): &()) -> Result<Self, String> {
                text.parse().map_err(|_| concat!("must be ", $expected).to_owned())
            }

            fn to_text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

self_describing! {
    String: "a text",
    SocketAddr: "an IP address and port such as 127.0.0.1:3000",
    Authority: "a host such as accounts.internal:3000",
    IpNet: "a network such as 10.0.0.0/8"
}

impl SettingValue for PathBuf {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Ok(text.into())
    }

    fn to_text(&self) -> String {
        self.display().to_string()
    }
}

/// Prints no password.
impl SettingValue for DatabaseUrl {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        text.parse::<Self>().map_err(|invalid| invalid.to_string())
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for ServerSecret {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Self::parse(text)
            .map_err(|weak| format!("{weak}; generate one with `countersign secret new`"))
    }

    fn to_text(&self) -> String {
        "given".to_owned()
    }
}
