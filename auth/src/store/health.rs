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
    /// The fault that was logged last, and when the outage began.
    outage: Option<(Fault, Instant)>,
    /// Connections that are older than this are closed instead of used again.
    broken_at: Option<Instant>,
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an error. Logs it if it is the first of its kind in this outage.
    pub(super) fn failed(&self, fault: Fault, error: &dyn std::error::Error) {
        if !fault.is_outage() {
            return;
        }
        let now = world::monotonic();
        let mut state = self.state();
        if fault.breaks_connection() {
            state.broken_at = Some(now);
        }
        let is_new = state.outage.is_none_or(|(logged, _)| logged != fault);
        let began = state.outage.map_or(now, |(_, began)| began);
        state.outage = Some((fault, began));
        self.is_failing.store(true, Ordering::Release);
        drop(state);
        if is_new {
            tracing::error!(fault = fault.name(), error = crate::chain(error), cure = fault.cure(), "database cannot be used");
        }
    }

    /// Takes note of a successful write.
    pub(super) fn worked(&self) {
        if !self.is_failing.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Some((fault, began)) = self.state().outage.take() {
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
