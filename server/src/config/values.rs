//! Reading one value at a time, and collecting what is wrong.

use super::{settings::Settings, table::Setting};
use countersign_core::RateLimit;
use countersign_types::Span;
use std::{collections::BTreeSet, str::FromStr};

/// Reads settings and remembers what is wrong with them.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    read: BTreeSet<&'static str>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let mut reader = Self { settings, read: BTreeSet::new(), problems: Vec::new() };
        for name in settings.names().filter(|name| Setting::from_name(name).is_none()) {
            let closest = Setting::all()
                .map(|known| (strsim::damerau_levenshtein(name, known.name()), known.name()))
                .min();
            let hint = closest
                .filter(|(distance, _)| *distance <= 4)
                .map(|(_, known)| format!("; did you mean {known}?"))
                .unwrap_or_default();
            let place = settings.place(name).map(|place| format!(" ({place})")).unwrap_or_default();
            reader.problems.push(format!("{name}{place} is not a setting of this version{hint}"));
        }
        reader
    }

    /// Says what is wrong with a setting. The value is not repeated: it may be a secret.
    pub(super) fn wrong(&mut self, setting: Setting, cure: &str) {
        let place = self
            .settings
            .place(setting.name())
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        self.problems.push(format!("{}{place} {cure}", setting.name()));
    }

    /// An empty value is none.
    pub(super) fn text(&mut self, setting: Setting) -> Option<String> {
        self.read.insert(setting.name());
        self.settings
            .get(setting.name())
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&mut self, setting: Setting, what: &str) -> Option<T> {
        let value = self.text(setting)?;
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.wrong(setting, &format!("must be {what}"));
        }
        parsed
    }

    pub(super) fn list<T: FromStr>(&mut self, setting: Setting, what: &str) -> Vec<T> {
        let Some(value) = self.text(setting) else { return Vec::new() };
        let parsed: Result<Vec<T>, _> = value.split(',').map(|part| part.trim().parse()).collect();
        parsed.unwrap_or_else(|_| {
            self.wrong(setting, &format!("must be {what}"));
            Vec::new()
        })
    }

    /// `on` or `off`.
    pub(super) fn switch(&mut self, setting: Setting, default: bool) -> bool {
        match self.text(setting).as_deref() {
            Some("on") => true,
            Some("off") => false,
            None => default,
            Some(_) => {
                self.wrong(setting, "must be on or off");
                default
            }
        }
    }

    pub(super) fn number(
        &mut self,
        setting: Setting,
        default: usize,
        least: usize,
        most: usize,
    ) -> usize {
        let Some(value) = self.text(setting) else { return default };
        match value.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.wrong(setting, &format!("must be a number from {least} to {most}"));
                default
            }
        }
    }

    pub(super) fn span(
        &mut self,
        setting: Setting,
        default: Span,
        least: Span,
        most: Span,
    ) -> Span {
        let Some(value) = self.text(setting) else { return default };
        match span(&value) {
            Some(span) if (least..=most).contains(&span) => span,
            _ => {
                self.wrong(
                    setting,
                    &format!(
                        "must be from {} to {}, written as 30s, 10m, 12h or 14d",
                        span_to_text(least),
                        span_to_text(most)
                    ),
                );
                default
            }
        }
    }

    /// `BURST/PERIOD`, such as `60/3s`; `None` for `off`.
    pub(super) fn rate_limit(&mut self, setting: Setting, default: RateLimit) -> Option<RateLimit> {
        let Some(value) = self.text(setting) else { return Some(default) };
        if value == "off" {
            return None;
        }
        let limit = rate_limit(&value);
        if limit.is_none() {
            let example = rate_limit_to_text(default);
            self.wrong(setting, &format!("must be a number from 1 to 100000, a slash and a time from 1s to 1d, such as {example}, or off"));
        }
        Some(limit.unwrap_or(default))
    }

    /// Returns `value` unless something is wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<String>> {
        debug_assert!(
            Setting::all().all(|setting| self.read.contains(setting.name())),
            "a setting that is declared is read"
        );
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
    let possible = (1..=100_000).contains(&limit.burst)
        && (Span::seconds(1)..=Span::days(1)).contains(&limit.period);
    possible.then_some(limit)
}

/// The reverse of [`rate_limit`].
pub(super) fn rate_limit_to_text(limit: RateLimit) -> String {
    format!("{}/{}", limit.burst, span_to_text(limit.period))
}

pub(super) fn span_to_text(span: Span) -> String {
    let seconds = span.as_seconds();
    let (size, unit) = [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds % size == 0)
        .unwrap_or((1, 's'));
    format!("{}{unit}", seconds / size)
}

/// `m=19456,t=2,p=1`, in this order.
pub(super) fn argon2(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(',').map(str::trim);
    let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    let parsed = (part("m")?, part("t")?, part("p")?);
    let (memory, passes, lanes): (u32, u32, u32) = parsed;
    let possible = (1..=8).contains(&lanes)
        && (8 * lanes..=4 * 1024 * 1024).contains(&memory)
        && (1..=16).contains(&passes);
    (possible && parts.next().is_none()).then_some(parsed)
}
