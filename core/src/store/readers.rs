//! The connections that read from SQLite.
//!
//! The pool of sqlx pings a connection when it is acquired and when it is returned. A connection to
//! SQLite has no network that could fail, and each ping wakes its thread. The two pings cost more
//! than most reads. Postgres uses the pool of sqlx.

use crate::{
    clock,
    store::{
        health::Health,
        limits::{CLOSE_TIMEOUT, LOCK_TIMEOUT},
    },
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// Maximum number of connections that read.
const MAX_READERS: usize = 4;

/// The connections that read. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<ReaderPool>);

#[derive(Debug)]
struct ReaderPool {
    options: SqliteConnectOptions,
    health: Arc<Health>,
    /// One permit for each connection, idle or not.
    permits: Arc<Semaphore>,
    /// The last returned is used first, so that surplus connections stay idle.
    idle: Mutex<Vec<IdleConnection>>,
}

#[derive(Debug)]
struct IdleConnection {
    connection: SqliteConnection,
    /// When the opening began.
    at: Instant,
}

/// A connection lent for one read or a few. Dropping it returns it.
pub(crate) struct ReadLease {
    opened: Option<IdleConnection>,
    readers: Readers,
    /// Released after the connection was returned.
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    /// Opens the first connection.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        health: Arc<Health>,
    ) -> Result<Self, sqlx::Error> {
        let permits = Arc::new(Semaphore::new(MAX_READERS));
        let readers =
            Self(Arc::new(ReaderPool { options, health, permits, idle: Mutex::default() }));
        drop(readers.acquire().await?);
        Ok(readers)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a connection. A connection from before the last outage is replaced.
    pub(super) async fn acquire(&self) -> Result<ReadLease, sqlx::Error> {
        let permit = timeout(LOCK_TIMEOUT, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let opened = loop {
            let Some(idle) = self.take_idle() else {
                let at = clock::monotonic();
                break IdleConnection { connection: self.0.options.connect().await?, at };
            };
            if self.0.health.is_usable_since(idle.at) {
                break idle;
            }
            drop(timeout(CLOSE_TIMEOUT, idle.connection.close()).await);
        };
        Ok(ReadLease { opened: Some(opened), readers: self.clone(), _permit: permit })
    }

    fn take_idle(&self) -> Option<IdleConnection> {
        self.idle().pop()
    }

    /// Closes the idle connections.
    pub(super) async fn close_idle(&self) {
        while let Some(idle) = self.take_idle() {
            drop(timeout(CLOSE_TIMEOUT, idle.connection.close()).await);
        }
    }

    /// Closes all connections, those in use when they are returned. Further reads fail.
    pub(super) async fn close(&self) {
        let all = u32::try_from(MAX_READERS).unwrap_or(u32::MAX);
        let _returned = timeout(CLOSE_TIMEOUT, self.0.permits.acquire_many(all)).await;
        self.0.permits.close();
        self.close_idle().await;
    }
}

impl ReadLease {
    /// # Panics
    /// Never: the connection is only taken when the lease is dropped.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.opened.as_mut().expect("a lease has its connection until it ends").connection
    }
}

impl Drop for ReadLease {
    fn drop(&mut self) {
        if let Some(opened) = self.opened.take().filter(|_| !self.readers.0.permits.is_closed()) {
            self.readers.idle().push(opened);
        }
    }
}
