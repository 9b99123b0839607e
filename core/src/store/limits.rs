//! Times that both databases share.

use std::time::Duration;

/// Timeout for a connection or a lock.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
