//! Percentiles of durations.

use std::time::Duration;

/// Durations in ascending order.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns a percentile: 0 is the minimum, 100 the maximum. Zero if there are no durations.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Returns a duration in milliseconds, with two decimal places.
pub(crate) fn millis(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1e3, 2)
}

/// Rounds a number to some decimal places.
pub(crate) fn round(number: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (number * scale).round() / scale
}
