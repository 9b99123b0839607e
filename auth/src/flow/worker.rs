//! What runs beside the requests: following the feed, writing down who was seen, forgetting what is over.

use super::Auth;
use crate::Error;
use std::{sync::atomic::Ordering, time::Duration};
use tokio::{task::JoinHandle, time::MissedTickBehavior};

/// How often a node reads the feed: well within the second that is promised.
const TICK: Duration = Duration::from_millis(400);
/// Every so many ticks the feed and this node's memory are cleared of what is over.
const TICKS_BETWEEN_PRUNING: u32 = 1500;

/// The background work of one node. Dropping it stops the work; [`Worker::stop`] finishes it first.
pub struct Worker {
    auth: Auth,
    task: JoinHandle<()>,
}

impl Worker {
    /// Ends the background work and writes what is not yet written.
    pub async fn stop(self) -> Result<(), Error> {
        self.task.abort();
        self.auth.seen.flush(&self.auth.store, self.auth.clock.now()).await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Auth {
    /// Starts the background work. Every node that serves requests needs it.
    #[must_use]
    pub fn work(&self) -> Worker {
        let auth = self.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut count: u32 = 0;
            let mut failing = false;
            loop {
                ticks.tick().await;
                count = count.wrapping_add(1);
                let result = auth.tick(count.is_multiple_of(TICKS_BETWEEN_PRUNING)).await;
                // Said once when it starts and once when it ends, not on every tick.
                match (&result, failing) {
                    (Err(error), false) => tracing::error!(error = %chain(error), "the background work fails"),
                    (Ok(()), true) => tracing::info!("the background work goes on"),
                    _ => {}
                }
                failing = result.is_err();
            }
        });
        Worker { auth: self.clone(), task }
    }

    /// One round of the background work.
    pub async fn tick(&self, prune: bool) -> Result<(), Error> {
        let heard = self.revocations.catch_up(&self.store).await?;
        let now = self.clock.now();
        // Remembered until it has succeeded: the feed says it only once.
        if heard.keys_changed {
            self.keys_stale.store(true, Ordering::SeqCst);
        }
        if self.keys_stale.load(Ordering::SeqCst) {
            self.keys.load(&self.store, &self.secret, &self.entropy, now).await?;
            self.keys_stale.store(false, Ordering::SeqCst);
        }
        self.seen.flush(&self.store, now).await?;
        if prune {
            self.revocations.forget(now);
            let mut tx = self.store.write().await?;
            tx.feed_prune(now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
