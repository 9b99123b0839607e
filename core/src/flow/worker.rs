//! What runs beside the requests, in tasks that do not wait for each other: hearing what was
//! revoked, looking after what is stored, following the database's clock, and deleting what is kept
//! no longer (`retention`).

use super::{Auth, retention::ClockCheck};
use crate::{Error, background::BackgroundTask, chain};
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
    /// Often enough for a clock that runs a little fast or slow.
    FollowClock,
    /// In a task of its own: a long round delays neither of the others.
    Retain,
}

impl Task {
    const ALL: [Self; 4] = [Self::Listen, Self::Keep, Self::FollowClock, Self::Retain];

    const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Keep => "keep",
            Self::FollowClock => "clock",
            Self::Retain => "retain",
        }
    }

    const fn pause(self) -> Duration {
        Duration::from_millis(match self {
            Self::Listen => 400,
            Self::Keep => 800,
            Self::FollowClock => 10 * 1000,
            Self::Retain => 10 * 60 * 1000,
        })
    }
}

impl Auth {
    /// Starts the background work. Every node that serves requests needs it. A task that panics is
    /// restarted.
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
        let (mut failing, mut clock_check) = (false, ClockCheck::default());
        loop {
            ticks.tick().await;
            let result = match task {
                Task::Listen => self.listen().await,
                Task::Keep => self.keep(false).await,
                Task::FollowClock => self.follow_clock().await,
                Task::Retain => self.retain_by_checked_clock(&mut clock_check).await,
            };
            // Said once when it starts and once when it ends, not in every round.
            match (&result, failing) {
                (Err(error), false) => {
                    tracing::error!(task = task.name(), error = %chain(error), "the background work fails");
                }
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

    /// Writes down who was seen, and turns the keys; deletes what is kept no longer, where that is
    /// asked for.
    pub async fn keep(&self, retain: bool) -> Result<(), Error> {
        let now = self.clock.now();
        self.revocations.settle(&self.store).await?;
        let (turned, written) = (self.turn_keys(now).await, self.write_seen().await);
        turned.and(written)?;
        if retain { self.retain().await } else { Ok(()) }
    }

    /// Corrects this node's clock to that of the database, where that has one.
    async fn follow_clock(&self) -> Result<(), Error> {
        self.clock.follow(&self.store).await
    }

    async fn write_seen(&self) -> Result<(), Error> {
        self.seen.flush(&self.store, self.clock.now()).await
    }
}
