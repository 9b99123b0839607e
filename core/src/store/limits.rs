//! Names and times that both databases share.

use std::time::Duration;

/// The table of applied migrations. The name differs from sqlx's default, so that an application
/// can run its own migrations in the same database.
pub(crate) const MIGRATIONS_TABLE: &str = "csgn_migrations";
/// Timeout for a connection or a lock.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
