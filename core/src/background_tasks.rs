//! The periodic tasks of a node: following the change feed, maintenance, following the database's
//! clock, retention, and sending email. They run independently of each other.

use crate::{Auth, Error, background::BackgroundTask, error_chain, retention::ClockCheck};
use futures::future::join_all;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// The background tasks of one node. Dropping it stops them; [`BackgroundTasks::stop`] also writes
/// pending activity.
pub struct BackgroundTasks {
    auth: Auth,
    tasks: Vec<BackgroundTask>,
}

impl BackgroundTasks {
    /// Stops the tasks and writes pending activity.
    pub async fn stop(self) -> Result<(), Error> {
        join_all(self.tasks.into_iter().map(BackgroundTask::stop)).await;
        self.auth.flush_activity().await
    }
}

#[derive(Clone, Copy, Debug)]
enum Task {
    /// Follows the change feed, well within the promised second.
    SyncFeed,
    /// Writes activity at most a second late, and advances the key rotation.
    Maintain,
    /// Follows the database's clock, often enough to correct its drift.
    SyncClock,
    /// Deletes expired rows. A long round delays no other task.
    Retain,
    /// Sends email. A slow mail server delays no other task.
    DeliverMail,
}

impl Task {
    const ALL: [Self; 5] =
        [Self::SyncFeed, Self::Maintain, Self::SyncClock, Self::Retain, Self::DeliverMail];

    const fn name(self) -> &'static str {
        match self {
            Self::SyncFeed => "feed_sync",
            Self::Maintain => "maintenance",
            Self::SyncClock => "clock_sync",
            Self::Retain => "retention",
            Self::DeliverMail => "mail",
        }
    }

    const fn interval(self) -> Duration {
        Duration::from_millis(match self {
            Self::SyncFeed => 400,
            Self::Maintain => 800,
            Self::DeliverMail => 500,
            Self::SyncClock => 10 * 1000,
            Self::Retain => 10 * 60 * 1000,
        })
    }
}

impl Auth {
    /// Starts the background tasks. Every node that serves requests needs them. A task that panics
    /// is restarted.
    #[must_use]
    pub fn start_background_tasks(&self) -> BackgroundTasks {
        let spawn = |task: Task| {
            let auth = self.clone();
            self.background().spawn(task.name(), move || auth.clone().repeat(task))
        };
        BackgroundTasks { auth: self.clone(), tasks: Task::ALL.map(spawn).into() }
    }

    async fn repeat(self, task: Task) {
        let mut ticks = tokio::time::interval(task.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut failing, mut clock_check) = (false, ClockCheck::default());
        loop {
            ticks.tick().await;
            let result = match task {
                Task::SyncFeed => self.sync_feed().await,
                Task::Maintain => self.run_maintenance(false).await,
                Task::SyncClock => self.sync_clock().await,
                Task::DeliverMail => self.deliver_mail().await,
                Task::Retain => self.run_retention_if_clock_plausible(&mut clock_check).await,
            };
            // Logged when it begins and when it ends, not in every round.
            match (&result, failing) {
                (Err(error), false) => {
                    tracing::error!(
                        task = task.name(),
                        error = %error_chain(error),
                        "background task failing"
                    );
                }
                (Ok(()), true) => tracing::info!(task = task.name(), "background task recovered"),
                _ => {}
            }
            failing = result.is_err();
        }
    }

    /// Reads the change feed, and loads the signing keys when they have changed.
    pub async fn sync_feed(&self) -> Result<(), Error> {
        self.revocations().sync(self.store(), self.clock().now()).await?;
        // The flag stays set until the keys are loaded: the feed announces a change only once.
        if self.revocations().keys_changed() {
            self.reload_keys().await?;
            self.revocations().mark_keys_loaded();
        }
        Ok(())
    }

    /// Writes pending activity and advances the key rotation. With `retain`, also runs retention.
    pub async fn run_maintenance(&self, retain: bool) -> Result<(), Error> {
        let now = self.clock().now();
        self.revocations().reconcile(self.store()).await?;
        let (turned, written) = (self.advance_key_rotation(now).await, self.flush_activity().await);
        turned.and(written)?;
        if retain { self.run_retention().await } else { Ok(()) }
    }

    /// Corrects this node's clock to that of the database, if the database has one.
    async fn sync_clock(&self) -> Result<(), Error> {
        self.clock().sync(self.store()).await
    }

    async fn flush_activity(&self) -> Result<(), Error> {
        self.activity().flush(self.store(), self.clock().now()).await
    }
}
