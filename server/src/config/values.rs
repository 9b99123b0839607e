//! Reading one value at a time, and collecting what is wrong.

use super::settings::{Settings, names};
use auth::RateLimit;
use contract::Span;
use std::{collections::BTreeMap, str::FromStr};

/// Reads settings and remembers what is wrong with them.
pub(super) struct Reader<'a> {
    settings: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let mut reader = Self { settings: &settings.0, problems: Vec::new() };
        for name in settings.0.keys().filter(|name| !names().any(|known| known == name.as_str())) {
            let closest = names().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
            let hint = closest.filter(|(distance, _)| *distance <= 4).map(|(_, known)| format!("; did you mean {known}?")).unwrap_or_default();
            reader.problems.push(format!("{name} is not a setting of this version{hint}"));
        }
        reader
    }

    /// Says what is wrong with a setting. The value is not repeated: it may be a secret.
    pub(super) fn wrong(&mut self, name: &str, cure: &str) {
        self.problems.push(format!("{name} {cure}"));
    }

    /// An empty value is none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.settings.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let value = self.text(name)?;
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.wrong(name, &format!("must be {what}"));
        }
        parsed
    }

    pub(super) fn list<T: FromStr>(&mut self, name: &str, what: &str) -> Vec<T> {
        let Some(value) = self.text(name) else { return Vec::new() };
        let parsed: Result<Vec<T>, _> = value.split(',').map(|part| part.trim().parse()).collect();
        parsed.unwrap_or_else(|_| {
            self.wrong(name, &format!("must be {what}"));
            Vec::new()
        })
    }

    /// `on` or `off`.
    pub(super) fn switch(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).as_deref() {
            Some("on") => true,
            Some("off") => false,
            None => default,
            Some(_) => {
                self.wrong(name, "must be on or off");
                default
            }
        }
    }

    pub(super) fn number(&mut self, name: &str, default: usize, least: usize, most: usize) -> usize {
        let Some(value) = self.text(name) else { return default };
        match value.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.wrong(name, &format!("must be a number from {least} to {most}"));
                default
            }
        }
    }

    pub(super) fn span(&mut self, name: &str, default: Span, least: Span, most: Span) -> Span {
        let Some(value) = self.text(name) else { return default };
        match span(&value) {
            Some(span) if (least..=most).contains(&span) => span,
            _ => {
                self.wrong(name, &format!("must be from {} to {}, written as 30s, 10m, 12h or 14d", span_to_text(least), span_to_text(most)));
                default
            }
        }
    }

    /// `BURST/PERIOD`, such as `60/3s`, or `off` (`Some(None)`).
    pub(super) fn rate_limit(&mut self, name: &str, default: RateLimit) -> Option<Option<RateLimit>> {
        let value = self.text(name)?;
        if value == "off" {
            return Some(None);
        }
        let limit = rate_limit(&value);
        if limit.is_none() {
            let example = rate_limit_to_text(default);
            self.wrong(name, &format!("must be a number from 1 to 100000, a slash and a time from 1s to 1d, such as {example}, or off"));
        }
        limit.map(Some)
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<String>> {
        if self.problems.is_empty() { Ok(value) } else { Err(self.problems) }
    }
}

/// `30s`, `10m`, `12h`, `14d`.
fn span(text: &str) -> Option<Span> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Span::seconds(i64::from(number) * seconds))
}

/// `60/3s`: 60 at once, and one more every 3 s.
fn rate_limit(text: &str) -> Option<RateLimit> {
    let (burst, period) = text.split_once('/')?;
    let limit = RateLimit { burst: burst.trim().parse().ok()?, period: span(period.trim())? };
    let possible = (1..=100_000).contains(&limit.burst) && (Span::seconds(1)..=Span::days(1)).contains(&limit.period);
    possible.then_some(limit)
}

/// The reverse of [`rate_limit`].
pub(super) fn rate_limit_to_text(limit: RateLimit) -> String {
    format!("{}/{}", limit.burst, span_to_text(limit.period))
}

pub(super) fn span_to_text(span: Span) -> String {
    let seconds = span.as_seconds();
    let (size, unit) = [(86_400, 'd'), (3600, 'h'), (60, 'm')].into_iter().find(|(size, _)| seconds >= *size && seconds % size == 0).unwrap_or((1, 's'));
    format!("{}{unit}", seconds / size)
}

/// `m=19456,t=2,p=1`, in this order.
pub(super) fn argon2(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(',').map(str::trim);
    let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    let parsed = (part("m")?, part("t")?, part("p")?);
    let possible = parsed.0 >= 8 * parsed.2 && parsed.0 <= 4 * 1024 * 1024 && (1..=16).contains(&parsed.1) && (1..=8).contains(&parsed.2);
    (possible && parts.next().is_none()).then_some(parsed)
}
