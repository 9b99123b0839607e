//! The clock by which sessions, tokens and limits are judged: that of the database, so that all
//! nodes agree.
//!
//! Each node measures how far its own clock is from that of Postgres, at the start and every ten
//! seconds, and corrects what it reads. A node whose clock is wrong agrees with the others; one
//! whose clock is set while it runs does so again within ten seconds. SQLite has no clock of its
//! own, and all its processes run on one machine.

use crate::{Clock, Error, Store};
use countersign_types::{Span, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// A measurement that took longer says too little.
const LONGEST_EXCHANGE: Span = Span::seconds(1);
/// How often a start measures until one measurement is good enough.
const MEASUREMENTS_AT_START: u32 = 5;
/// A correction that changes by no more is left as it is: that is the noise of the network.
const TOLERANCE: Span = Span(20);
/// An operator is told of a clock that differs by more.
const WORTH_A_WARNING: Span = Span::seconds(1);

/// A node's clock, with its correction. Clones share the correction.
#[derive(Clone, Debug)]
pub(crate) struct SharedClock {
    own: Clock,
    /// What is added to the node's own clock, in milliseconds.
    correction: Arc<AtomicI64>,
}

impl SharedClock {
    /// The node's own clock, not yet corrected.
    pub(crate) fn new(own: Clock) -> Self {
        Self { own, correction: Arc::default() }
    }

    /// The present. A clock before 1970 counts as 1970.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.own.now() + Span(self.correction.load(Ordering::Relaxed));
        now.max(Timestamp(0))
    }

    /// Asks the database for the time, and corrects this clock. Nothing changes where the database
    /// has no clock of its own, or a test moves the clock.
    ///
    /// # Errors
    /// When the database cannot be asked. The last correction stays.
    pub(crate) async fn follow(&self, store: &Store) -> Result<(), Error> {
        self.measure(store).await.map(drop)
    }

    /// As [`Self::follow`], until a measurement was good enough: the first statement of a cold
    /// server takes long.
    pub(crate) async fn follow_at_start(&self, store: &Store) -> Result<(), Error> {
        for _ in 0..MEASUREMENTS_AT_START {
            if self.measure(store).await? {
                return Ok(());
            }
        }
        tracing::warn!(
            "the clock of the database was not read in time: the clock of this machine counts until it is"
        );
        Ok(())
    }

    /// Whether there is nothing to measure, or the measurement was good enough.
    async fn measure(&self, store: &Store) -> Result<bool, Error> {
        if !self.own.is_of_a_machine() {
            return Ok(true);
        }
        let mut reader = store.read().await?;
        let before = self.own.now();
        let Some(theirs) = reader.time().await? else { return Ok(true) };
        Ok(self.correct(before, theirs, self.own.now()))
    }

    /// `theirs` was read after `before` and before `after`. `false`: that tells too little.
    fn correct(&self, before: Timestamp, theirs: Timestamp, after: Timestamp) -> bool {
        let exchange = after.since(before);
        if exchange > LONGEST_EXCHANGE || exchange < Span(0) {
            return false;
        }
        let measured = theirs.since(before).0.saturating_sub(exchange.0 / 2);
        let corrected = self.correction.load(Ordering::Relaxed);
        let change = measured.saturating_sub(corrected).saturating_abs();
        if change <= TOLERANCE.0 {
            return true;
        }
        self.correction.store(measured, Ordering::Relaxed);
        if change > WORTH_A_WARNING.0 {
            tracing::warn!(
                milliseconds = measured,
                "the clock of this machine differs from that of the database, which counts"
            );
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correction_is_the_difference_at_the_middle_of_the_exchange() {
        let clock = SharedClock::new(Clock::manual(Timestamp(10_000)));
        assert!(clock.correct(Timestamp(9_900), Timestamp(7_000), Timestamp(10_100)));
        assert_eq!(clock.now(), Timestamp(7_000));
        // Noise.
        assert!(clock.correct(Timestamp(10_000), Timestamp(7_015), Timestamp(10_000)));
        assert_eq!(clock.now(), Timestamp(7_000));
        assert!(clock.correct(Timestamp(10_000), Timestamp(7_100), Timestamp(10_000)));
        assert_eq!(clock.now(), Timestamp(7_100));
    }

    #[test]
    fn measurement_that_took_long_or_backwards_changes_nothing() {
        let clock = SharedClock::new(Clock::manual(Timestamp(10_000)));
        assert!(!clock.correct(Timestamp(10_000), Timestamp(99_000), Timestamp(11_001)));
        assert!(!clock.correct(Timestamp(10_000), Timestamp(99_000), Timestamp(9_999)));
        assert_eq!(clock.now(), Timestamp(10_000));
    }

    #[test]
    fn correction_survives_any_time_a_database_may_say() {
        let clock = SharedClock::new(Clock::manual(Timestamp(10_000)));
        for theirs in [i64::MIN, i64::MAX, 0] {
            assert!(clock.correct(Timestamp(10_000), Timestamp(theirs), Timestamp(10_000)));
            let _ = clock.now();
        }
    }
}
