//! Limits how often one and the same line is logged: a client must not fill the log.

use crate::world::monotonic;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The least time between two lines.
const INTERVAL: Duration = Duration::from_mins(1);

/// Allows one line each minute, and counts those that were left out.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl LogThrottle {
    /// One that has logged nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(State { last: None, suppressed: 0 }))
    }

    /// How many lines were left out since the last one, if another one is due; else `None`, and
    /// one more is left out.
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
    async fn throttle_allows_one_line_each_minute_and_counts_the_rest() {
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
