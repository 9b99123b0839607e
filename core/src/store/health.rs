//! Whether the database can be written to, according to its last responses. It is used for
//! readiness, and to log an outage once and not for each request.

use crate::{clock, store::DatabaseErrorKind};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The state of the database. Shared by all connections of a [`crate::store::Store`].
#[derive(Debug, Default)]
pub(super) struct Health {
    is_failing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The newest error kind, and the start of the outage.
    outage: Option<(DatabaseErrorKind, Instant)>,
    /// When each kind was last logged.
    logged: Vec<(DatabaseErrorKind, Instant)>,
    /// Whether the end of this outage is to be logged.
    is_reported: bool,
    /// Connections opened before this time are closed instead of reused.
    broken_at: Option<Instant>,
}

/// Minimum interval between two logs of the same kind.
const REPEATED_WITHIN: Duration = Duration::from_secs(10);

impl State {
    /// Whether this kind is to be logged now.
    fn is_due(&mut self, kind: DatabaseErrorKind, now: Instant) -> bool {
        let in_outage = self.outage.map(|(_, began)| began);
        let known = self.logged.iter().position(|(logged, _)| *logged == kind);
        if let Some(at) = known.map(|index| self.logged[index].1)
            && (in_outage.is_some_and(|began| at >= began)
                || now.duration_since(at) < REPEATED_WITHIN)
        {
            return false;
        }
        match known {
            Some(index) => self.logged[index].1 = now,
            None => self.logged.push((kind, now)),
        }
        self.is_reported = true;
        true
    }
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an error. It is logged if it is the first of its kind in this outage, and if that
    /// kind was not logged shortly before: an error that affects some requests only would otherwise
    /// be many outages.
    pub(super) fn record_error(&self, kind: DatabaseErrorKind, error: &dyn std::error::Error) {
        if !kind.is_outage() {
            return;
        }
        let now = clock::monotonic();
        let mut state = self.state();
        if kind.breaks_connection() {
            state.broken_at = Some(now);
        }
        let is_new = state.is_due(kind, now);
        let began = state.outage.map_or(now, |(_, began)| began);
        state.outage = Some((kind, began));
        self.is_failing.store(true, Ordering::Release);
        drop(state);
        if is_new {
            tracing::error!(
                kind = kind.name(),
                error = crate::error_chain(error),
                hint = kind.hint(),
                "database cannot be used"
            );
        }
    }

    /// Records a successful write.
    pub(super) fn record_success(&self) {
        if !self.is_failing.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut state = self.state();
        let outage = state.outage.take();
        if !std::mem::take(&mut state.is_reported) {
            return;
        }
        drop(state);
        if let Some((kind, began)) = outage {
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(kind = kind.name(), millis, "database works again");
        }
    }

    /// The error kind of the current outage.
    pub(super) fn outage(&self) -> Option<DatabaseErrorKind> {
        if !self.is_failing.load(Ordering::Acquire) {
            return None;
        }
        self.state().outage.map(|(kind, _)| kind)
    }

    /// Whether a connection that was opened `age` ago may be used.
    pub(super) fn is_usable(&self, age: Duration) -> bool {
        self.state().broken_at.is_none_or(|broken| age < broken.elapsed())
    }

    /// Whether a connection may be used of which the opening began at this time.
    pub(super) fn is_usable_since(&self, opening: Instant) -> bool {
        self.state().broken_at.is_none_or(|broken| opening > broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Health {
        /// Records an error. Returns whether it was logged.
        fn logs(&self, kind: DatabaseErrorKind) -> bool {
            let before = self.state().logged.clone();
            self.record_error(kind, &std::io::Error::other("a test"));
            self.state().logged != before
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alternating_errors_are_logged_once_per_outage() {
        let health = Health::default();
        assert!(
            health.logs(DatabaseErrorKind::Replaced) && health.logs(DatabaseErrorKind::CannotOpen)
        );
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(
                !health.logs(DatabaseErrorKind::Replaced)
                    && !health.logs(DatabaseErrorKind::CannotOpen)
            );
        }
        health.record_success();
        tokio::time::advance(REPEATED_WITHIN).await;
        assert!(health.logs(DatabaseErrorKind::Replaced), "another outage");
    }

    #[tokio::test(start_paused = true)]
    async fn intermittent_error_is_logged_at_most_every_ten_seconds() {
        let health = Health::default();
        let mut lines = 0;
        for _ in 0..50 {
            lines += u32::from(health.logs(DatabaseErrorKind::Corrupt));
            health.record_success();
            assert_eq!(health.outage(), None);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(lines, 5);
    }
}
