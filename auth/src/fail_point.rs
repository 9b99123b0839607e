//! Moments at which a test may have the process die, as `kill -9` would have it. In a program there is nothing here: only the feature `testing`
//! can arm one.

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

#[cfg(any(test, feature = "testing"))]
pub use armed::arm;
#[cfg(any(test, feature = "testing"))]
pub(crate) use armed::reach;

#[cfg(any(test, feature = "testing"))]
mod armed {
    use super::FailPoint;
    use std::{
        process::Command,
        sync::{Mutex, PoisonError},
        thread,
    };

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
        let _dead_before_it_returns = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
        loop {
            thread::park();
        }
    }
}
