//! The state shared by all actors of a run.

use crate::{counters::Counters, fleet::Fleet, http_client::HttpClient};
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
pub(crate) const GRACE: Duration = Duration::from_secs(3);

pub(crate) struct RunContext {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) http: HttpClient,
    pub(crate) counters: Counters,
    accounts: AtomicU64,
    finished: watch::Sender<bool>,
}

impl RunContext {
    /// Creates the context, with a maximum number of concurrent requests.
    pub(crate) fn new(fleet: Fleet, permits: usize) -> Self {
        let fleet = Arc::new(fleet);
        Self {
            http: HttpClient::new(fleet.clone(), permits),
            fleet,
            counters: Counters::new(),
            accounts: AtomicU64::new(0),
            finished: watch::Sender::new(false),
        }
    }

    /// Returns an unused email address.
    pub(crate) fn new_email(&self) -> String {
        format!("user-{}@example.com", self.accounts.fetch_add(1, Relaxed))
    }

    /// Returns whether the run has finished.
    pub(crate) fn is_finished(&self) -> bool {
        *self.finished.borrow()
    }

    pub(crate) async fn until_finished(&self) {
        self.finished
            .subscribe()
            .wait_for(|finished| *finished)
            .await
            .expect("the sender is not dropped");
    }

    pub(crate) fn end(&self) {
        self.finished.send_replace(true);
    }
}
