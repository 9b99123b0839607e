//! Parsing of setting values, and collection of all errors.

use super::{
    settings::Settings,
    table::Setting,
    text::{duration_to_text, parse_duration, parse_rate_limit, rate_limit_to_text},
};
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
