//! What is known about a session that two have the token of, and what the promise says about
//! showing it.
//!
//! The promise: a replay is caught as soon as the successor has been used by anyone and the grace
//! is over. That the successor was shown for a renewal is written down at once. That its access
//! token was used is written a second later, unless the server that saw it was killed before.

use crate::{
    fleet::{Fleet, Life},
    stage::GRACE,
};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// The use of an access token has certainly been written after so long.
const WRITTEN: Duration = Duration::from_secs(2);
/// For clocks that tick differently.
const MARGIN: Duration = Duration::from_millis(100);

pub(crate) struct Ledger {
    /// The newest generation that was ever given out.
    newest: i64,
    /// When each was given out for the last time, at the latest.
    given: HashMap<i64, Instant>,
    uses: Vec<Use>,
}

/// An access token was accepted.
struct Use {
    generation: i64,
    at: Instant,
    by: Life,
}

impl Ledger {
    /// A session that has just been opened.
    pub(crate) fn new(generation: i64) -> Self {
        Self { newest: generation, given: HashMap::new(), uses: Vec::new() }
    }

    /// This generation was given out just now.
    pub(crate) fn given(&mut self, generation: i64) {
        self.newest = self.newest.max(generation);
        self.perhaps_given(generation);
    }

    /// The answer to a request for this generation was not heard.
    pub(crate) fn perhaps_given(&mut self, generation: i64) {
        self.given.insert(generation, Instant::now());
    }

    /// An access token of this generation was accepted just now.
    pub(crate) fn used(&mut self, generation: i64, by: Life) {
        self.uses.push(Use { generation, at: Instant::now(), by });
    }

    /// Whether this generation has a successor.
    pub(crate) fn is_replay(&self, generation: i64) -> bool {
        generation < self.newest
    }

    /// Whether the promise says that showing this generation now ends the session.
    pub(crate) fn covers(&self, generation: i64, fleet: &Fleet) -> bool {
        let grace_is_over =
            self.given.get(&(generation + 1)).is_some_and(|given| given.elapsed() > GRACE + MARGIN);
        let successor_was_shown = self.newest >= generation + 2;
        let successor_was_used = || {
            self.uses.iter().any(|used| {
                used.generation > generation && fleet.lived_on(used.by, used.at, WRITTEN)
            })
        };
        grace_is_over && (successor_was_shown || successor_was_used())
    }
}
