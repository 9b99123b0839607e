//! The text forms of durations, rate limits and Argon2 parameters.

use countersign_core::RateLimit;
use countersign_types::TimeSpan;

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

/// Parses a rate limit: `60/3s` is a burst of 60, and one more every 3 s.
pub(super) fn parse_rate_limit(text: &str) -> Option<RateLimit> {
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
