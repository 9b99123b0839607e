//! A limit for repeated log lines, so that a client cannot fill the log.

use crate::clock::monotonic;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Minimum interval between two lines.
const INTERVAL: Duration = Duration::from_mins(1);

/// Allows one line a minute, and counts the suppressed ones.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl LogThrottle {
    /// Creates a throttle that has logged nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(State { last: None, suppressed: 0 }))
    }

    /// Returns the number of lines suppressed since the last one, if a line is due. Otherwise
    /// counts one more suppressed line and returns `None`.
    pub fn due(&self) -> Option<u64> {
        let now = monotonic();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn throttle_allows_one_line_per_minute_and_counts_rest() {
        let throttle = LogThrottle::new();
        assert_eq!(throttle.due(), Some(0));
        for _ in 0..1_000 {
            assert_eq!(throttle.due(), None);
        }
        tokio::time::advance(INTERVAL).await;
        assert_eq!(throttle.due(), Some(1_000));
        assert_eq!(throttle.due(), None);
    }
}
