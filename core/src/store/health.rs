//! Whether the database can be written to, as far as its last answers tell: for readiness, and so
//! that an outage is one line in the log and not one for each request.

use super::Fault;
use crate::world;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// What is known of the database. Shared by all connections of a [`super::Store`].
#[derive(Debug, Default)]
pub(super) struct Health {
    is_failing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The newest fault, and when the outage began.
    outage: Option<(Fault, Instant)>,
    /// When each fault was logged last: at most one entry for each kind.
    logged: Vec<(Fault, Instant)>,
    /// Whether the end of this outage is worth a line.
    is_reported: bool,
    /// Connections that are older than this are closed instead of used again.
    broken_at: Option<Instant>,
}

/// For so long a fault is not logged again.
const REPEATED_WITHIN: Duration = Duration::from_secs(10);

impl State {
    /// Whether a line about this fault is due.
    fn is_due(&mut self, fault: Fault, now: Instant) -> bool {
        let in_outage = self.outage.map(|(_, began)| began);
        let known = self.logged.iter().position(|(logged, _)| *logged == fault);
        if let Some(at) = known.map(|index| self.logged[index].1)
            && (in_outage.is_some_and(|began| at >= began)
                || now.duration_since(at) < REPEATED_WITHIN)
        {
            return false;
        }
        match known {
            Some(index) => self.logged[index].1 = now,
            None => self.logged.push((fault, now)),
        }
        self.is_reported = true;
        true
    }
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an error. Logs it if it is the first of its kind in this outage, and if that
    /// kind was not logged just now in another one: what fails for some requests and works for
    /// others is many outages.
    pub(super) fn failed(&self, fault: Fault, error: &dyn std::error::Error) {
        if !fault.is_outage() {
            return;
        }
        let now = world::monotonic();
        let mut state = self.state();
        if fault.breaks_connection() {
            state.broken_at = Some(now);
        }
        let is_new = state.is_due(fault, now);
        let began = state.outage.map_or(now, |(_, began)| began);
        state.outage = Some((fault, began));
        self.is_failing.store(true, Ordering::Release);
        drop(state);
        if is_new {
            tracing::error!(
                fault = fault.name(),
                error = crate::chain(error),
                cure = fault.cure(),
                "database cannot be used"
            );
        }
    }

    /// Takes note of a successful write.
    pub(super) fn worked(&self) {
        if !self.is_failing.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut state = self.state();
        let outage = state.outage.take();
        if !std::mem::take(&mut state.is_reported) {
            return;
        }
        drop(state);
        if let Some((fault, began)) = outage {
            let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(fault = fault.name(), millis, "database works again");
        }
    }

    /// The fault of the outage that lasts.
    pub(super) fn outage(&self) -> Option<Fault> {
        if !self.is_failing.load(Ordering::Acquire) {
            return None;
        }
        self.state().outage.map(|(fault, _)| fault)
    }

    /// Whether a connection that was opened `age` ago may be used.
    pub(super) fn is_usable(&self, age: Duration) -> bool {
        self.state().broken_at.is_none_or(|broken| age < broken.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Health {
        /// Notes a fault, and tells whether it was logged.
        fn logs(&self, fault: Fault) -> bool {
            let before = self.state().logged.clone();
            self.failed(fault, &std::io::Error::other("a test"));
            self.state().logged != before
        }
    }

    #[tokio::test(start_paused = true)]
    async fn faults_that_alternate_in_one_outage_are_logged_once_each() {
        let health = Health::default();
        assert!(health.logs(Fault::Replaced) && health.logs(Fault::CannotOpen));
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(!health.logs(Fault::Replaced) && !health.logs(Fault::CannotOpen));
        }
        health.worked();
        tokio::time::advance(REPEATED_WITHIN).await;
        assert!(health.logs(Fault::Replaced), "another outage");
    }

    #[tokio::test(start_paused = true)]
    async fn fault_between_writes_that_work_is_logged_every_ten_seconds_at_most() {
        let health = Health::default();
        let mut lines = 0;
        for _ in 0..50 {
            lines += u32::from(health.logs(Fault::Corrupt));
            health.worked();
            assert_eq!(health.outage(), None);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(lines, 5);
    }
}
