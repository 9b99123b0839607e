//! The task that writes to SQLite. It owns the write connection, lends it to one transaction at a
//! time, and replaces it after any error other than a held lock.
//!
//! Transactions that are queued while another one runs become savepoints of the same SQLite
//! transaction, and one commit makes all of them durable (group commit). A transaction is
//! acknowledged only after that commit. If it is rolled back or its client disconnects, only its
//! own savepoint is undone.
//!
//! After an error SQLite may have rolled back by itself
//! (<https://sqlite.org/lang_transaction.html>, section 2.3). The connection is therefore closed,
//! all uncommitted transactions fail with the error, and the next one begins on a new connection,
//! so that writes recover as soon as the cause is resolved.

use crate::{
    Error, clock,
    store::{
        DatabaseErrorKind,
        health::Health,
        limits::{CLOSE_TIMEOUT, LOCK_TIMEOUT},
        readers::Readers,
        sqlite::{DatabaseFile, FileError, FileIdentity},
    },
};
use futures::FutureExt;
use sqlx::{Connection, SqliteConnection};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::{Instant, timeout},
};

/// Maximum number of queued transactions. Further ones are rejected at once.
const MAX_QUEUE: usize = 1_024;
/// Maximum time a transaction waits for the connection.
const TURN_TIMEOUT: Duration = LOCK_TIMEOUT;
/// Maximum number of transactions of one commit, and maximum time to collect them.
const MAX_BATCH: usize = 64;
const MAX_BATCH_TIME: Duration = Duration::from_millis(10);
/// Idle time after which the write-ahead log is copied into the database file.
const IDLE_CHECKPOINT: Duration = Duration::from_secs(1);
/// Minimum interval between two attempts to truncate a write-ahead log of maximum size.
const SHRINK_INTERVAL: Duration = Duration::from_millis(500);
/// The delay after a panic of the writer.
const RESTART_DELAY: Duration = Duration::from_millis(100);
/// How often copying a removed write-ahead log into the database file is tried, with SQLite's wait
/// for readers in between, before the transaction fails.
const RESCUE_ATTEMPTS: u32 = 3;
/// Timeout for a lock that another process holds. It is shorter than [`TURN_TIMEOUT`].
const HELD_LOCK_TIMEOUT: Duration = Duration::from_secs(4);
/// Seconds until a rejected client may retry.
const RETRY_AFTER: u32 = 2;

/// The queue of the writer task. The task ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    health: Arc<Health>,
}

enum Message {
    Turn(oneshot::Sender<Result<Lease, WriteError>>),
    Close(oneshot::Sender<()>),
}

/// The reason why a transaction was not begun or not committed. Nothing of it was written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {cause}")]
struct WriteError {
    what: &'static str,
    cause: Arc<str>,
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// The write connection, lent to one transaction. Dropping it rolls the transaction back.
pub(crate) struct Lease {
    connection: Option<SqliteConnection>,
    kind: Option<DatabaseErrorKind>,
    home: Option<oneshot::Sender<Returned>>,
}

struct Returned {
    connection: SqliteConnection,
    /// The kind of an error after which the connection must not be reused.
    kind: Option<DatabaseErrorKind>,
    /// The receiver of the commit's result; `None`: roll back.
    commit: Option<oneshot::Sender<Result<(), WriteError>>>,
}

impl Lease {
    /// # Panics
    /// Never: the connection is only taken when the lease is consumed.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("a lease has its connection until it ends")
    }

    /// Records the error of a statement.
    pub(super) fn failed(&mut self, kind: DatabaseErrorKind) {
        if kind.breaks_connection() {
            self.kind = Some(kind);
        }
    }

    /// Commits. Returns when the data is durable.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let (sender, outcome) = oneshot::channel();
        self.give_back(Some(sender));
        Ok(outcome.await.unwrap_or_else(|_| Err(writer_ended()))?)
    }

    fn give_back(&mut self, commit: Option<oneshot::Sender<Result<(), WriteError>>>) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home.take()) {
            // Without a receiver the writer has ended, and the connection is closed here.
            drop(home.send(Returned { connection, kind: self.kind, commit }));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(None);
    }
}

fn begin_error(
    health: &Health,
    kind: DatabaseErrorKind,
    error: &dyn std::error::Error,
) -> WriteError {
    health.record_error(kind, error);
    WriteError { what: "the transaction cannot begin", cause: crate::error_chain(error).into() }
}

fn writer_ended() -> WriteError {
    WriteError { what: "the writer has ended", cause: "it restarts".into() }
}

impl Writer {
    /// Starts the task. `first` is an open connection.
    pub(super) fn start(
        file: DatabaseFile,
        health: Arc<Health>,
        first: SqliteConnection,
        readers: Readers,
    ) -> Self {
        let (sender, queue) = mpsc::channel(MAX_QUEUE);
        let task = Task {
            file,
            health: health.clone(),
            connection: Some(first),
            readers,
            wal: None,
            is_dirty: true,
            shrunk_at: None,
            queue,
            closing: None,
        };
        tokio::spawn(supervise(task));
        Self { queue: sender, health }
    }

    /// Waits for the connection and begins a transaction.
    pub(super) async fn begin(&self) -> Result<Lease, Error> {
        let (sender, turn) = oneshot::channel();
        self.queue.try_send(Message::Turn(sender)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded { retry_after: RETRY_AFTER },
            mpsc::error::TrySendError::Closed(_) => writer_ended().into(),
        })?;
        match timeout(TURN_TIMEOUT, turn).await {
            Ok(Ok(lease)) => Ok(lease?),
            Ok(Err(_)) => Err(writer_ended().into()),
            // The task reports a lock that another process holds. Otherwise too many transactions
            // are queued.
            Err(_) => Err(match self.health.outage() {
                Some(kind) => Error::Unavailable(kind.name().into()),
                None => Error::Overloaded { retry_after: RETRY_AFTER },
            }),
        }
    }

    /// Ends the task and closes its connection.
    pub(super) async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.queue.send(Message::Close(sender)).await.is_ok() {
            drop(closed.await);
        }
    }
}

/// Runs the task until it is told to end, and restarts it after a panic.
async fn supervise(task: Task) {
    let task = Mutex::new(task);
    loop {
        let run = AssertUnwindSafe(async { task.lock().await.run().await }).catch_unwind();
        if run.await.is_ok() {
            return;
        }
        let mut task = task.lock().await;
        // The transaction is rolled back with the connection.
        task.connection = None;
        task.health.record_error(DatabaseErrorKind::Unreachable, &writer_ended());
        tracing::error!("database writer panicked");
        drop(task);
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

struct Task {
    file: DatabaseFile,
    health: Arc<Health>,
    connection: Option<SqliteConnection>,
    /// The read connections, which are closed together with the write connection if needed.
    readers: Readers,
    /// The identity of the write-ahead log that the connection uses, if known.
    wal: Option<FileIdentity>,
    /// Whether something was written since the last checkpoint.
    is_dirty: bool,
    /// The time of the last attempt to truncate the write-ahead log.
    shrunk_at: Option<Instant>,
    queue: mpsc::Receiver<Message>,
    /// Notified when the task ends.
    closing: Option<oneshot::Sender<()>>,
}

/// The reason why a transaction did not begin.
enum BeginError {
    FileError(FileError),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for BeginError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// The end of a transaction in a batch.
enum End {
    Committed,
    RolledBack,
    Broken,
}

impl Task {
    async fn run(&mut self) {
        loop {
            if let Some(closed) = self.closing.take() {
                self.discard().await;
                let _ = closed.send(()); // The caller may have gone away.
                return;
            }
            let message = if self.is_dirty {
                let Ok(message) = timeout(IDLE_CHECKPOINT, self.queue.recv()).await else {
                    self.checkpoint().await;
                    continue;
                };
                message
            } else {
                self.queue.recv().await
            };
            match message {
                Some(Message::Turn(first)) => self.batch(first).await,
                Some(Message::Close(closed)) => self.closing = Some(closed),
                None => {
                    self.discard().await;
                    return;
                }
            }
        }
    }

    /// Runs a transaction and those that are queued meanwhile, and commits them together.
    async fn batch(&mut self, first: oneshot::Sender<Result<Lease, WriteError>>) {
        if first.is_closed() {
            return;
        }
        if let Err(error) = self.begin().await {
            drop(first.send(Err(error)));
            return;
        }
        let began = clock::monotonic();
        let mut waiting = Vec::new();
        let mut next = Some(first);
        let mut count = 0;
        while let Some(turn) = next.take() {
            match self.lend(turn, &mut waiting, count > 0).await {
                End::Committed => count += 1,
                // The first one is the whole transaction, so nothing is left to commit.
                End::RolledBack if count == 0 => return,
                End::RolledBack => {}
                End::Broken => return self.fail(waiting, "a statement failed").await,
            }
            if count < MAX_BATCH && began.elapsed() < MAX_BATCH_TIME {
                next = self.next_turn();
            }
        }
        match self.execute("COMMIT").await {
            Ok(()) => {
                self.is_dirty = true;
                self.health.record_success();
                for commit in waiting {
                    drop(commit.send(Ok(())));
                }
            }
            Err(_) => self.fail(waiting, "the commit failed").await,
        }
    }

    /// The next queued transaction that is still awaited.
    fn next_turn(&mut self) -> Option<oneshot::Sender<Result<Lease, WriteError>>> {
        while let Ok(message) = self.queue.try_recv() {
            match message {
                Message::Turn(turn) if turn.is_closed() => {}
                Message::Turn(turn) => return Some(turn),
                Message::Close(closed) => {
                    self.closing = Some(closed);
                    return None;
                }
            }
        }
        None
    }

    /// Lends the connection to one transaction and waits for its return.
    async fn lend(
        &mut self,
        turn: oneshot::Sender<Result<Lease, WriteError>>,
        waiting: &mut Vec<oneshot::Sender<Result<(), WriteError>>>,
        as_savepoint: bool,
    ) -> End {
        if as_savepoint && self.execute("SAVEPOINT one").await.is_err() {
            drop(turn.send(Err(WriteError {
                what: "the transaction cannot begin",
                cause: "a savepoint failed".into(),
            })));
            return End::Broken;
        }
        let Some(connection) = self.connection.take() else { return End::Broken };
        let (home, back) = oneshot::channel();
        let lease = Lease { connection: Some(connection), kind: None, home: Some(home) };
        // If the transaction is abandoned, dropping the lease returns the connection.
        drop(turn.send(Ok(lease)));
        let Ok(Returned { connection, kind, commit }) = back.await else { return End::Broken };
        self.connection = Some(connection);
        if let Some(kind) = kind {
            let error = WriteError { what: "a statement failed", cause: kind.name().into() };
            if let Some(commit) = commit {
                drop(commit.send(Err(error)));
            }
            return End::Broken;
        }
        match (commit, as_savepoint) {
            (Some(commit), true) => {
                waiting.push(commit);
                if self.execute("RELEASE one").await.is_ok() { End::Committed } else { End::Broken }
            }
            (Some(commit), false) => {
                waiting.push(commit);
                End::Committed
            }
            (None, true) => {
                let undone = self.execute("ROLLBACK TO one").await.is_ok()
                    && self.execute("RELEASE one").await.is_ok();
                if undone { End::RolledBack } else { End::Broken }
            }
            (None, false) => {
                if self.execute("ROLLBACK").await.is_ok() {
                    End::RolledBack
                } else {
                    End::Broken
                }
            }
        }
    }

    /// Begins a transaction, on a new connection if there is none.
    async fn begin(&mut self) -> Result<(), WriteError> {
        let began = clock::monotonic();
        loop {
            let kind = match self.try_begin().await {
                Ok(()) => return Ok(()),
                Err(BeginError::FileError(file_error)) => {
                    return Err(begin_error(&self.health, file_error.kind(), &file_error));
                }
                Err(BeginError::Database(error))
                    if DatabaseErrorKind::of(&error) != DatabaseErrorKind::Locked =>
                {
                    self.discard().await;
                    return Err(begin_error(&self.health, DatabaseErrorKind::of(&error), &error));
                }
                Err(BeginError::Database(error)) => error,
            };
            // Another process holds the lock, or SQLite believes that one of this process's
            // connections does, because the system did not release it. Closing all connections
            // resolves the latter.
            self.close_all().await;
            if began.elapsed() >= HELD_LOCK_TIMEOUT {
                return Err(begin_error(&self.health, DatabaseErrorKind::Locked, &kind));
            }
        }
    }

    async fn try_begin(&mut self) -> Result<(), BeginError> {
        if let Err(file_error) = self.file.check() {
            if matches!(file_error, FileError::Replaced(_)) {
                return Err(BeginError::FileError(file_error));
            }
            self.shrink_log().await;
            self.file.check().map_err(BeginError::FileError)?;
        }
        if self.connection.is_some() && self.wal.is_some() && self.wal != self.file.wal_identity() {
            self.rescue_log().await?;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                self.wal = None;
                none.insert(self.file.connect().await?)
            }
        };
        sqlx::query("BEGIN IMMEDIATE").execute(connection).await?;
        if self.wal.is_none() {
            self.wal = self.file.wal_identity();
        }
        Ok(())
    }

    /// Handles a write-ahead log that was removed while the connection writes to it: copies its
    /// content into the database file, and makes all connections start a new one.
    async fn rescue_log(&mut self) -> Result<(), BeginError> {
        let removed = self.file.log_removed();
        // The read connections are closed as well, because they still use the old log.
        self.health.record_error(removed.kind(), &removed);
        let Some(connection) = &mut self.connection else { return Ok(()) };
        for _ in 0..RESCUE_ATTEMPTS {
            let blocked: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&mut *connection)
                .await?;
            if blocked == 0 {
                self.close_all().await;
                return Ok(());
            }
        }
        Err(BeginError::FileError(removed))
    }

    /// Closes the write connection and all idle read connections.
    async fn close_all(&mut self) {
        self.discard().await;
        self.readers.close_idle().await;
    }

    /// Runs a statement of the writer itself. Errors count for the health of the database.
    async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let Some(connection) = &mut self.connection else { return Err(sqlx::Error::WorkerCrashed) };
        let result = sqlx::query(sql).execute(connection).await.map(drop);
        if let Err(error) = &result {
            self.health.record_error(DatabaseErrorKind::of(error), error);
        }
        result
    }

    /// Fails the transactions of a batch and closes the connection.
    async fn fail(
        &mut self,
        waiting: Vec<oneshot::Sender<Result<(), WriteError>>>,
        what: &'static str,
    ) {
        self.discard().await;
        let cause: Arc<str> =
            self.health.outage().map_or("unknown", DatabaseErrorKind::name).into();
        for commit in waiting {
            drop(commit.send(Err(WriteError { what, cause: cause.clone() })));
        }
    }

    async fn discard(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(timeout(CLOSE_TIMEOUT, connection.close()).await);
        }
    }

    /// Copies the write-ahead log into the database file as far as readers allow, without waiting.
    async fn checkpoint(&mut self) {
        self.is_dirty = false;
        if self.connection.is_some()
            && self.execute("PRAGMA wal_checkpoint(PASSIVE)").await.is_err()
        {
            self.discard().await;
        }
    }

    /// Empties the write-ahead log, if no reader needs it. Waits for readers briefly.
    async fn shrink_log(&mut self) {
        if self.shrunk_at.is_some_and(|last| last.elapsed() < SHRINK_INTERVAL) {
            return;
        }
        self.shrunk_at = Some(clock::monotonic());
        if self.connection.is_none() {
            self.connection = self.file.connect().await.ok();
        }
        // The next transaction opens another connection, with the usual timeout.
        for sql in ["PRAGMA busy_timeout = 100", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            if self.execute(sql).await.is_err() {
                break;
            }
        }
        self.discard().await;
    }
}
