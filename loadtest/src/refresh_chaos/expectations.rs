//! Tracks a session with a stolen token, and predicts which replays must be detected.
//!
//! The guarantee: a replay is detected once the successor has been used by any client and the grace
//! period has expired. The use of the successor in a refresh request is stored immediately. The use
//! of its access token is stored a second later, unless the server that received it is killed
//! before.

use super::{
    context::GRACE,
    fleet::{Fleet, ProcessRef},
};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// Time after which the use of an access token has been stored.
const CONFIRMATION_DELAY: Duration = Duration::from_secs(2);
/// Margin for clock differences.
const CLOCK_MARGIN: Duration = Duration::from_millis(100);

pub(super) struct Expectations {
    /// The newest generation that was issued.
    newest: i64,
    /// Latest time at which each generation was issued.
    given: HashMap<i64, Instant>,
    uses: Vec<Use>,
}

/// An accepted access token.
struct Use {
    generation: i64,
    at: Instant,
    by: ProcessRef,
}

impl Expectations {
    /// Creates the expectations for a new session.
    pub(super) fn new(generation: i64) -> Self {
        Self { newest: generation, given: HashMap::new(), uses: Vec::new() }
    }

    /// Records that a generation was issued.
    pub(super) fn issued(&mut self, generation: i64) {
        self.newest = self.newest.max(generation);
        self.possibly_issued(generation);
    }

    /// Records that a generation may have been issued: the response was lost.
    pub(super) fn possibly_issued(&mut self, generation: i64) {
        self.given.insert(generation, Instant::now());
    }

    /// Records that an access token of this generation was accepted.
    pub(super) fn record_use(&mut self, generation: i64, by: ProcessRef) {
        self.uses.push(Use { generation, at: Instant::now(), by });
    }

    /// Returns whether this generation has a successor.
    pub(super) fn is_replay(&self, generation: i64) -> bool {
        generation < self.newest
    }

    /// Returns whether sending this generation now must end the session.
    pub(super) fn must_be_detected(&self, generation: i64, fleet: &Fleet) -> bool {
        let grace_is_over = self
            .given
            .get(&(generation + 1))
            .is_some_and(|given| given.elapsed() > GRACE + CLOCK_MARGIN);
        let successor_was_shown = self.newest >= generation + 2;
        let successor_was_used = || {
            self.uses.iter().any(|used| {
                used.generation > generation
                    && fleet.was_alive_for(used.by, used.at, CONFIRMATION_DELAY)
            })
        };
        grace_is_over && (successor_was_shown || successor_was_used())
    }
}
