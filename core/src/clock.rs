//! The system clock, and the monotonic clock. No other module reads a clock (`clippy.toml`).

use countersign_types::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

/// The system clock, or another one for tests and demonstrations.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The clock of the operating system.
    System,
    /// The system clock with an offset.
    #[cfg(any(test, feature = "testing"))]
    Skewed(countersign_types::TimeSpan),
    /// A clock that is set: by tests, and while a demonstration creates its past.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Creates a clock that stands still at `now`.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.0)))
    }

    /// Moves a manual clock, forwards or backwards.
    pub fn advance(&self, span: countersign_types::TimeSpan) {
        if let Self::Manual(now) = self {
            now.fetch_add(span.0, Ordering::SeqCst);
        }
    }

    /// The current time. Times before 1970 count as 1970.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the only read of the wall clock")]
            Self::System => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
            }
            #[cfg(any(test, feature = "testing"))]
            Self::Skewed(by) => Self::System.now() + *by,
            Self::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }
}

impl Clock {
    /// Whether the clock advances by itself.
    pub(crate) const fn is_system(&self) -> bool {
        match self {
            Self::System => true,
            #[cfg(any(test, feature = "testing"))]
            Self::Skewed(_) => true,
            Self::Manual(_) => false,
        }
    }
}

/// A point on the monotonic clock of the runtime, which tests can pause and advance.
#[must_use]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}
