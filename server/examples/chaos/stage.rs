//! What everybody in one run shares.

use crate::{fleet::Fleet, tally::Tally, wire::Wire};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::watch;

/// `COUNTERSIGN_REFRESH_GRACE` of the servers. As short as may be, so that much of it can be tried,
/// but longer than a busy machine takes to answer.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

pub(crate) struct Stage {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) wire: Wire,
    pub(crate) tally: Tally,
    people: AtomicU64,
    over: watch::Sender<bool>,
}

impl Stage {
    /// With room for so many requests at a time.
    pub(crate) fn new(fleet: Fleet, places: usize) -> Self {
        let fleet = Arc::new(fleet);
        Self {
            wire: Wire::new(fleet.clone(), places),
            fleet,
            tally: Tally::new(),
            people: AtomicU64::new(0),
            over: watch::Sender::new(false),
        }
    }

    /// An address that nobody has.
    pub(crate) fn new_address(&self) -> String {
        format!("person-{}@example.com", self.people.fetch_add(1, Relaxed))
    }

    /// Whether everybody is to come to an end.
    pub(crate) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    pub(crate) async fn until_over(&self) {
        self.over.subscribe().wait_for(|over| *over).await.expect("the sender is ours");
    }

    pub(crate) fn end(&self) {
        self.over.send_replace(true);
    }
}
