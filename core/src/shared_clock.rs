//! The clock for sessions, tokens and rate limits. All nodes follow the clock of the database.
//!
//! Each node measures the difference between its own clock and that of Postgres, at the start and
//! every ten seconds, and corrects for it. A node whose clock is set while it runs agrees with the
//! others again within ten seconds. SQLite has no clock of its own, and all its processes run on
//! one machine.

use crate::{Clock, Error, Store};
use countersign_types::{TimeSpan, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Maximum round trip of a usable measurement.
const MAX_ROUND_TRIP: TimeSpan = TimeSpan::seconds(1);
/// Maximum number of measurements at the start.
const MAX_START_ATTEMPTS: u32 = 5;
/// Corrections smaller than this are network noise and ignored.
const TOLERANCE: TimeSpan = TimeSpan(20);
/// Differences larger than this are logged.
const WARNING_THRESHOLD: TimeSpan = TimeSpan::seconds(1);

/// A node's clock, with its correction. Clones share the correction.
#[derive(Clone, Debug)]
pub(crate) struct SharedClock {
    own: Clock,
    /// The offset to the node's own clock, in milliseconds.
    correction: Arc<AtomicI64>,
}

impl SharedClock {
    /// The node's own clock, without a correction.
    pub(crate) fn new(own: Clock) -> Self {
        Self { own, correction: Arc::default() }
    }

    /// The current time. Times before 1970 count as 1970.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.own.now() + TimeSpan(self.correction.load(Ordering::Relaxed));
        now.max(Timestamp(0))
    }

    /// Reads the time of the database and corrects this clock. Does nothing for SQLite and for a
    /// manual clock.
    ///
    /// # Errors
    /// Fails when the database cannot be read. The last correction stays.
    pub(crate) async fn sync(&self, store: &Store) -> Result<(), Error> {
        self.measure(store).await.map(drop)
    }

    /// Like [`Self::sync`], repeated until a measurement is usable: the first statement of a cold
    /// server takes long.
    pub(crate) async fn sync_at_start(&self, store: &Store) -> Result<(), Error> {
        for _ in 0..MAX_START_ATTEMPTS {
            if self.measure(store).await? {
                return Ok(());
            }
        }
        tracing::warn!("database clock not measured");
        Ok(())
    }

    /// Returns `true` if there is nothing to measure or the measurement was usable.
    async fn measure(&self, store: &Store) -> Result<bool, Error> {
        if !self.own.is_system() {
            return Ok(true);
        }
        let mut reader = store.read().await?;
        let before = self.own.now();
        let Some(database) = reader.time().await? else { return Ok(true) };
        Ok(self.correct(before, database, self.own.now()))
    }

    /// Corrects the clock: `database` was read after `before` and before `after`. Returns `false`
    /// if the measurement is not usable.
    fn correct(&self, before: Timestamp, database: Timestamp, after: Timestamp) -> bool {
        let round_trip = after.since(before);
        if round_trip > MAX_ROUND_TRIP || round_trip < TimeSpan(0) {
            return false;
        }
        let measured = database.since(before).0.saturating_sub(round_trip.0 / 2);
        let corrected = self.correction.load(Ordering::Relaxed);
        let change = measured.saturating_sub(corrected).saturating_abs();
        if change <= TOLERANCE.0 {
            return true;
        }
        self.correction.store(measured, Ordering::Relaxed);
        if change > WARNING_THRESHOLD.0 {
            tracing::warn!(milliseconds = measured, "system clock differs from database");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correction_is_difference_at_middle_of_round_trip() {
        let clock = SharedClock::new(Clock::manual(Timestamp(10_000)));
        assert!(clock.correct(Timestamp(9_900), Timestamp(7_000), Timestamp(10_100)));
        assert_eq!(clock.now(), Timestamp(7_000));
        // Within the tolerance.
        assert!(clock.correct(Timestamp(10_000), Timestamp(7_015), Timestamp(10_000)));
        assert_eq!(clock.now(), Timestamp(7_000));
        assert!(clock.correct(Timestamp(10_000), Timestamp(7_100), Timestamp(10_000)));
        assert_eq!(clock.now(), Timestamp(7_100));
    }

    #[test]
    fn slow_or_backward_measurement_is_ignored() {
        let clock = SharedClock::new(Clock::manual(Timestamp(10_000)));
        assert!(!clock.correct(Timestamp(10_000), Timestamp(99_000), Timestamp(11_001)));
        assert!(!clock.correct(Timestamp(10_000), Timestamp(99_000), Timestamp(9_999)));
        assert_eq!(clock.now(), Timestamp(10_000));
    }

    #[test]
    fn correction_accepts_any_database_time() {
        let clock = SharedClock::new(Clock::manual(Timestamp(10_000)));
        for database in [i64::MIN, i64::MAX, 0] {
            assert!(clock.correct(Timestamp(10_000), Timestamp(database), Timestamp(10_000)));
            let _ = clock.now();
        }
    }
}
