//! Fail points for tests: places where the process is killed as by `kill -9`, and panics of
//! background tasks. They exist only with the feature `testing`.

/// A place where the process can be killed: after a commit, before the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// After the rotation of a refresh token.
    AfterRefreshCommit,
    /// After a revocation: of a session, or of all tokens of an epoch.
    AfterRevocationCommit,
}

#[cfg(not(any(test, feature = "testing")))]
pub(crate) const fn hit(_: FailPoint) {}

/// A panic that a test can cause in one background task.
#[cfg(not(any(test, feature = "testing")))]
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskPanic(());

#[cfg(not(any(test, feature = "testing")))]
impl TaskPanic {
    pub(crate) async fn triggered(&self) {
        std::future::pending::<()>().await;
    }

    #[expect(clippy::unused_async, reason = "waits with the feature `testing`")]
    pub(crate) async fn cleared(&self) {}
}

#[cfg(any(test, feature = "testing"))]
pub(crate) use armed::TaskPanic;
#[cfg(any(test, feature = "testing"))]
pub(crate) use armed::hit;
#[cfg(any(test, feature = "testing"))]
pub use armed::{PanickedTask, arm};

#[cfg(any(test, feature = "testing"))]
mod armed {
    use super::FailPoint;
    use std::{
        process::Command,
        sync::{Arc, Mutex, PoisonError},
        thread,
    };
    use tokio::sync::watch;

    /// A panic that a test can cause in one background task.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct TaskPanic(Arc<watch::Sender<bool>>);

    impl TaskPanic {
        /// Panics when triggered.
        pub(crate) async fn triggered(&self) {
            let mut triggered = self.0.subscribe();
            let is_triggered = triggered.wait_for(|triggered| *triggered).await.is_ok();
            assert!(!is_triggered, "a test makes this task panic");
        }

        /// Waits until the task may run again.
        pub(crate) async fn cleared(&self) {
            let mut triggered = self.0.subscribe();
            drop(triggered.wait_for(|triggered| !triggered).await);
        }

        pub(crate) fn trigger(&self) -> PanickedTask {
            self.0.send_replace(true);
            PanickedTask(self.clone())
        }
    }

    /// A task that a test made panic. It is not restarted until this guard is dropped.
    #[must_use = "dropping it lets the task restart"]
    pub struct PanickedTask(TaskPanic);

    impl Drop for PanickedTask {
        fn drop(&mut self) {
            self.0.0.send_replace(false);
        }
    }

    static ARMED: Mutex<Option<FailPoint>> = Mutex::new(None);

    /// Kills the process the next time it reaches `point`.
    pub fn arm(point: FailPoint) {
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some(point);
    }

    pub(crate) fn hit(point: FailPoint) {
        if *ARMED.lock().unwrap_or_else(PoisonError::into_inner) != Some(point) {
            return;
        }
        // No destructor runs and no response is sent. The process dies before this returns.
        let _ = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
        loop {
            thread::park();
        }
    }
}
