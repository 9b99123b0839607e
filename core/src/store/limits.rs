//! Times that both databases share.

use std::time::Duration;

/// Timeout for a connection or a lock.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout for closing a connection, after which it is left to its thread.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Timeout for one statement, including the network.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(12);
