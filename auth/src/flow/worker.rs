//! What runs beside the requests, in two tasks so that neither waits for the other: hearing what was revoked, and looking after what is
//! stored.

use super::Auth;
use crate::{Error, background::BackgroundTask, chain, limit::REMEMBERED};
use contract::Span;
use futures::future::join_all;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// The background work of one node. Dropping it stops the work; [`Worker::stop`] finishes it first.
pub struct Worker {
    auth: Auth,
    tasks: Vec<BackgroundTask>,
}

impl Worker {
    /// Ends the background work and writes what is not yet written.
    pub async fn stop(self) -> Result<(), Error> {
        join_all(self.tasks.into_iter().map(BackgroundTask::stop)).await;
        self.auth.write_seen().await
    }
}

#[derive(Clone, Copy, Debug)]
enum Task {
    /// Well within the second that is promised.
    Listen,
    /// At most a second late.
    Keep,
}

impl Task {
    const ALL: [Self; 2] = [Self::Listen, Self::Keep];

    const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Keep => "keep",
        }
    }

    const fn pause(self) -> Duration {
        Duration::from_millis(match self {
            Self::Listen => 400,
            Self::Keep => 800,
        })
    }
}

/// So long the row of a session that is over is kept, for whoever asks what became of it.
const KEPT_AFTER_THE_END: Span = Span::days(30);
/// So long the record of what happened is kept.
const RECORDED: Span = Span::days(400);
/// What was revoked is remembered for so much longer than any token lives.
const MARGIN: Span = Span::minutes(25 * 60);
/// Every so many rounds of keeping, what is over is forgotten: about every ten minutes.
const ROUNDS_BETWEEN_PRUNING: u32 = 750;

impl Auth {
    /// Starts the background work. Every node that serves requests needs it. A task that panics is restarted.
    #[must_use]
    pub fn work(&self) -> Worker {
        let spawn = |task: Task| {
            let auth = self.clone();
            self.background.spawn(task.name(), move || auth.clone().repeat(task))
        };
        Worker { auth: self.clone(), tasks: Task::ALL.map(spawn).into() }
    }

    async fn repeat(self, task: Task) {
        let mut ticks = tokio::time::interval(task.pause());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        for round in 1_u32.. {
            ticks.tick().await;
            let result = match task {
                Task::Listen => self.listen().await,
                Task::Keep => self.keep(round.is_multiple_of(ROUNDS_BETWEEN_PRUNING)).await,
            };
            // Said once when it starts and once when it ends, not in every round.
            match (&result, failing) {
                (Err(error), false) => tracing::error!(task = task.name(), error = %chain(error), "the background work fails"),
                (Ok(()), true) => tracing::info!(task = task.name(), "the background work goes on"),
                _ => {}
            }
            failing = result.is_err();
        }
    }

    /// Hears what the feed says, and reads the keys again when it says so.
    pub async fn listen(&self) -> Result<(), Error> {
        self.revocations.catch_up(&self.store, self.clock.now()).await?;
        // Noted until it has succeeded: the feed says it only once.
        if self.revocations.keys_changed() {
            self.read_keys().await?;
            self.revocations.keys_were_read();
        }
        Ok(())
    }

    /// Writes down who was seen, and turns the keys; forgets what is over, where that is asked for.
    pub async fn keep(&self, prune: bool) -> Result<(), Error> {
        let now = self.clock.now();
        self.revocations.settle(&self.store).await?;
        let (turned, written) = (self.turn_keys(now).await, self.write_seen().await);
        turned.and(written)?;
        if prune {
            // Late, for a clock that ran ahead and is set right: what was forgotten by the wrong time would be accepted again by the right one.
            self.revocations.forget(now - MARGIN);
            let mut tx = self.store.write().await?;
            tx.feed_prune(now - MARGIN).await?;
            tx.session_prune(now - KEPT_AFTER_THE_END).await?;
            tx.limit_prune(now - REMEMBERED, now).await?;
            tx.event_prune(now - RECORDED).await?;
            tx.commit().await?;
            self.delete_accounts(now).await?;
        }
        Ok(())
    }

    async fn write_seen(&self) -> Result<(), Error> {
        self.seen.flush(&self.store, self.clock.now()).await
    }
}
