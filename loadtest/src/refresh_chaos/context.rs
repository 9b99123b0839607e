//! The state shared by all actors of a run.

use super::{connection_pool::ConnectionPool, counters::Counters, fleet::Fleet};
use crate::output::Output;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::watch;

/// `COUNTERSIGN_REFRESH_GRACE` of the servers. Short, so that it expires often, but longer than the
/// latency of a busy machine.
pub(super) const GRACE: Duration = Duration::from_secs(3);

pub(super) struct RunContext {
    pub(super) fleet: Arc<Fleet>,
    pub(super) connections: ConnectionPool,
    pub(super) counters: Counters,
    accounts: AtomicU64,
    finished: watch::Sender<bool>,
}

impl RunContext {
    /// Creates the context, with a maximum number of concurrent requests.
    pub(super) fn new(fleet: Fleet, permits: usize, output: Output) -> Self {
        let fleet = Arc::new(fleet);
        Self {
            connections: ConnectionPool::new(fleet.clone(), permits),
            fleet,
            counters: Counters::new(output),
            accounts: AtomicU64::new(0),
            finished: watch::Sender::new(false),
        }
    }

    /// Returns an unused email address.
    pub(super) fn new_email(&self) -> String {
        format!("user-{}@example.com", self.accounts.fetch_add(1, Relaxed))
    }

    /// Returns whether the run has finished.
    pub(super) fn is_finished(&self) -> bool {
        *self.finished.borrow()
    }

    pub(super) async fn until_finished(&self) {
        self.finished
            .subscribe()
            .wait_for(|finished| *finished)
            .await
            .expect("the sender is not dropped");
    }

    pub(super) fn end(&self) {
        self.finished.send_replace(true);
    }
}
