//! Parsing of setting values, and collection of all errors.

use super::{settings::Settings, table::Setting};
use countersign_core::RateLimit;
use countersign_types::TimeSpan;
use std::{collections::BTreeSet, str::FromStr};

/// Reads settings and collects errors.
pub(super) struct SettingsReader<'a> {
    settings: &'a Settings,
    read: BTreeSet<&'static str>,
    problems: Vec<String>,
}

impl<'a> SettingsReader<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let mut reader = Self { settings, read: BTreeSet::new(), problems: Vec::new() };
        for name in settings.names().filter(|name| Setting::from_name(name).is_none()) {
            let closest = Setting::all()
                .map(|setting| (strsim::damerau_levenshtein(name, setting.name()), setting.name()))
                .min();
            let hint = closest
                .filter(|(distance, _)| *distance <= 4)
                .map(|(_, setting)| format!("; did you mean {setting}?"))
                .unwrap_or_default();
            let location = settings
                .source_location(name)
                .map(|location| format!(" ({location})"))
                .unwrap_or_default();
            reader
                .problems
                .push(format!("{name}{location} is not a setting of this version{hint}"));
        }
        reader
    }

    /// Adds an error. It doesn't contain the value, which may be a secret.
    pub(super) fn add_error(&mut self, setting: Setting, message: &str) {
        let location = self
            .settings
            .source_location(setting.name())
            .map(|location| format!(" ({location})"))
            .unwrap_or_default();
        self.problems.push(format!("{}{location} {message}", setting.name()));
    }

    /// Returns the value of a setting, or `None` if it is not set or empty.
    pub(super) fn text(&mut self, setting: Setting) -> Option<String> {
        self.read.insert(setting.name());
        self.settings
            .get(setting.name())
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn parse<T: FromStr>(&mut self, setting: Setting, expected: &str) -> Option<T> {
        let value = self.text(setting)?;
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.add_error(setting, &format!("must be {expected}"));
        }
        parsed
    }

    pub(super) fn list<T: FromStr>(&mut self, setting: Setting, expected: &str) -> Vec<T> {
        let Some(value) = self.text(setting) else { return Vec::new() };
        let parsed: Result<Vec<T>, _> = value.split(',').map(|part| part.trim().parse()).collect();
        parsed.unwrap_or_else(|_| {
            self.add_error(setting, &format!("must be {expected}"));
            Vec::new()
        })
    }

    /// Reads `on` or `off`.
    pub(super) fn on_off(&mut self, setting: Setting, default: bool) -> bool {
        match self.text(setting).as_deref() {
            Some("on") => true,
            Some("off") => false,
            None => default,
            Some(_) => {
                self.add_error(setting, "must be on or off");
                default
            }
        }
    }

    pub(super) fn number(
        &mut self,
        setting: Setting,
        default: usize,
        min: usize,
        max: usize,
    ) -> usize {
        let Some(value) = self.text(setting) else { return default };
        match value.parse() {
            Ok(number) if (min..=max).contains(&number) => number,
            _ => {
                self.add_error(setting, &format!("must be a number from {min} to {max}"));
                default
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        setting: Setting,
        default: TimeSpan,
        min: TimeSpan,
        max: TimeSpan,
    ) -> TimeSpan {
        let Some(value) = self.text(setting) else { return default };
        match parse_duration(&value) {
            Some(span) if (min..=max).contains(&span) => span,
            _ => {
                self.add_error(
                    setting,
                    &format!(
                        "must be from {} to {}, in a form such as 30s, 10m, 12h or 14d",
                        duration_to_text(min),
                        duration_to_text(max)
                    ),
                );
                default
            }
        }
    }

    /// Reads `BURST/PERIOD`, such as `60/3s`. Returns `None` for `off`.
    pub(super) fn rate_limit(&mut self, setting: Setting, default: RateLimit) -> Option<RateLimit> {
        let Some(value) = self.text(setting) else { return Some(default) };
        if value == "off" {
            return None;
        }
        let limit = parse_rate_limit(&value);
        if limit.is_none() {
            let example = rate_limit_to_text(default);
            self.add_error(
                setting,
                &format!(
                    "must be off, or a number from 1 to 100000, a slash and a duration from 1s to \
                     1d, such as {example}"
                ),
            );
        }
        Some(limit.unwrap_or(default))
    }

    /// Returns `value`, or all errors.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<String>> {
        debug_assert!(
            Setting::all().all(|setting| self.read.contains(setting.name())),
            "every declared setting must be read"
        );
        if self.problems.is_empty() { Ok(value) } else { Err(self.problems) }
    }
}

/// Parses a duration: `30s`, `10m`, `12h`, `14d`.
fn parse_duration(text: &str) -> Option<TimeSpan> {
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

/// Parses a rate limit: `60/3s` is a burst of 60, and one more every 3 s.
fn parse_rate_limit(text: &str) -> Option<RateLimit> {
    let (burst, period) = text.split_once('/')?;
    let limit =
        RateLimit { burst: burst.trim().parse().ok()?, period: parse_duration(period.trim())? };
    let possible = (1..=100_000).contains(&limit.burst)
        && (TimeSpan::seconds(1)..=TimeSpan::days(1)).contains(&limit.period);
    possible.then_some(limit)
}

/// Formats a rate limit; the inverse of [`parse_rate_limit`].
pub(super) fn rate_limit_to_text(limit: RateLimit) -> String {
    format!("{}/{}", limit.burst, duration_to_text(limit.period))
}

pub(super) fn duration_to_text(span: TimeSpan) -> String {
    let seconds = span.as_seconds();
    let (size, unit) = [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds % size == 0)
        .unwrap_or((1, 's'));
    format!("{}{unit}", seconds / size)
}

/// Parses Argon2 parameters: `m=19456,t=2,p=1`, in this order.
pub(super) fn parse_argon2(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(',').map(str::trim);
    let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    let parsed = (part("m")?, part("t")?, part("p")?);
    let (memory, iterations, parallelism): (u32, u32, u32) = parsed;
    let possible = (1..=8).contains(&parallelism)
        && (8 * parallelism..=4 * 1024 * 1024).contains(&memory)
        && (1..=16).contains(&iterations);
    (possible && parts.next().is_none()).then_some(parsed)
}
