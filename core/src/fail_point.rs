//! Moments at which a test may have the process die, as `kill -9` would have it, and panics of
//! background tasks. In a program there is nothing here: only the feature `testing` can cause one.

/// A moment of a flow: what was asked for is committed, and nobody has been told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// A renewal.
    Renewed,
    /// Whatever is told to the other nodes: a session that ended, an epoch that was raised.
    Ended,
}

#[cfg(not(any(test, feature = "testing")))]
pub(crate) const fn reach(_: FailPoint) {}

/// A panic that a test may cause in one background task.
#[cfg(not(any(test, feature = "testing")))]
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskFault(());

#[cfg(not(any(test, feature = "testing")))]
impl TaskFault {
    pub(crate) async fn strikes(&self) {
        std::future::pending::<()>().await;
    }

    #[expect(clippy::unused_async, reason = "in tests it waits")]
    pub(crate) async fn is_over(&self) {}
}

#[cfg(any(test, feature = "testing"))]
pub(crate) use armed::TaskFault;
#[cfg(any(test, feature = "testing"))]
pub(crate) use armed::reach;
#[cfg(any(test, feature = "testing"))]
pub use armed::{Struck, arm};

#[cfg(any(test, feature = "testing"))]
mod armed {
    use super::FailPoint;
    use std::{
        process::Command,
        sync::{Arc, Mutex, PoisonError},
        thread,
    };
    use tokio::sync::watch;

    /// A panic that a test may cause in one background task.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct TaskFault(Arc<watch::Sender<bool>>);

    impl TaskFault {
        /// Panics when a test says so.
        pub(crate) async fn strikes(&self) {
            let mut struck = self.0.subscribe();
            let by_a_test = struck.wait_for(|struck| *struck).await.is_ok();
            assert!(!by_a_test, "a test makes this task panic");
        }

        /// Returns when the task may run.
        pub(crate) async fn is_over(&self) {
            let mut struck = self.0.subscribe();
            drop(struck.wait_for(|struck| !struck).await);
        }

        pub(crate) fn strike(&self) -> Struck {
            self.0.send_replace(true);
            Struck(self.clone())
        }
    }

    /// A task that was made to panic. It stays down until this is dropped.
    #[must_use = "dropping it lets the task restart"]
    pub struct Struck(TaskFault);

    impl Drop for Struck {
        fn drop(&mut self) {
            self.0.0.send_replace(false);
        }
    }

    static ARMED: Mutex<Option<FailPoint>> = Mutex::new(None);

    /// The process dies when it comes to `point` for the next time.
    pub fn arm(point: FailPoint) {
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some(point);
    }

    pub(crate) fn reach(point: FailPoint) {
        if *ARMED.lock().unwrap_or_else(PoisonError::into_inner) != Some(point) {
            return;
        }
        // Nothing of ours runs any more: no destructor, no answer, no last write.
        let _dead_before_it_returns =
            Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
        loop {
            thread::park();
        }
    }
}
