//! The one task that writes to SQLite. It owns the writing connection, lends it to one transaction
//! at a time, and replaces it after any error but a held lock.
//!
//! Transactions that wait while another one runs become savepoints of the same SQLite transaction,
//! and one commit makes all of them durable (group commit). A transaction is acknowledged only
//! after that commit. One that is rolled back, or whose client went away, takes back its own
//! savepoint and nothing else.
//!
//! After an error SQLite may or may not have rolled back by itself (<https://sqlite.org/lang_transaction.html>,
//! section 2.3). So the connection is closed, everything that was not committed is answered with
//! the error, and the next transaction begins on a new connection: writing works again as soon as
//! the cause is gone.

use super::{
    Fault,
    health::Health,
    sqlite::{DatabaseFile, FileIdentity, Unfit},
};
use crate::{Error, world};
use futures::FutureExt;
use sqlx::{Connection, SqliteConnection, SqlitePool};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::{Instant, timeout},
};

/// How many transactions may wait for the connection. Further ones are refused at once.
const MAX_QUEUE: usize = 1_024;
/// How long a transaction waits for the connection.
const TURN_TIMEOUT: Duration = super::LOCK_TIMEOUT;
/// How many transactions one commit makes durable, and for how long they are collected.
const MAX_BATCH: usize = 64;
const MAX_BATCH_TIME: Duration = Duration::from_millis(10);
/// After this time without a write, what lies in the write-ahead log goes into the database file.
const IDLE_CHECKPOINT: Duration = Duration::from_secs(1);
/// The pause between two attempts to cut back a write-ahead log that is at its bound.
const SHRINK_INTERVAL: Duration = Duration::from_millis(500);
/// How long closing a connection may take before it is left to its thread.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause after a panic of the writer.
const RESTART_DELAY: Duration = Duration::from_millis(100);
/// How often the content of a removed write-ahead log is copied into the database file, with the
/// pause for readers in between that SQLite makes, before it is tried again by the next
/// transaction.
const RESCUE_ATTEMPTS: u32 = 3;
/// How long the lock of another process is waited for: less than a transaction waits for its turn.
const HELD_LOCK_TIMEOUT: Duration = Duration::from_secs(4);
/// What a refused client is told to wait, in seconds.
const RETRY_AFTER: u32 = 2;

/// The queue of the writer task. The task ends when the last copy is dropped.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    health: Arc<Health>,
}

enum Message {
    Turn(oneshot::Sender<Result<Lease, WriteError>>),
    Close(oneshot::Sender<()>),
}

/// Why a transaction was not begun or not committed. Nothing of it was written.
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

/// The writing connection, lent to one transaction. Dropping it rolls the transaction back.
pub(crate) struct Lease {
    connection: Option<SqliteConnection>,
    fault: Option<Fault>,
    home: Option<oneshot::Sender<Returned>>,
}

struct Returned {
    connection: SqliteConnection,
    /// The fault of a statement after which the connection must not be used again.
    fault: Option<Fault>,
    /// Who waits for the commit; `None`: to be rolled back.
    commit: Option<oneshot::Sender<Result<(), WriteError>>>,
}

impl Lease {
    /// # Panics
    /// Never: the connection leaves only when the lease is consumed.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("a lease has its connection until it ends")
    }

    /// Takes note of the error of a statement.
    pub(super) fn failed(&mut self, fault: Fault) {
        if fault.breaks_connection() {
            self.fault = Some(fault);
        }
    }

    /// Commits. Returns when the data is durable.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let (sender, outcome) = oneshot::channel();
        self.give_back(Some(sender));
        Ok(outcome.await.unwrap_or_else(|_| Err(ended()))?)
    }

    fn give_back(&mut self, commit: Option<oneshot::Sender<Result<(), WriteError>>>) {
        if let (Some(connection), Some(home)) = (self.connection.take(), self.home.take()) {
            // Without a receiver the writer has ended, and the connection is closed here.
            drop(home.send(Returned { connection, fault: self.fault, commit }));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(None);
    }
}

fn refused(health: &Health, fault: Fault, error: &dyn std::error::Error) -> WriteError {
    health.failed(fault, error);
    WriteError { what: "the transaction cannot begin", cause: crate::chain(error).into() }
}

fn ended() -> WriteError {
    WriteError { what: "the writer has ended", cause: "it starts again".into() }
}

impl Writer {
    /// Starts the task. `first` is a connection that is open already.
    pub(super) fn start(
        file: DatabaseFile,
        health: Arc<Health>,
        first: SqliteConnection,
        readers: SqlitePool,
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

    /// The connection, inside a transaction.
    pub(super) async fn begin(&self) -> Result<Lease, Error> {
        let (sender, turn) = oneshot::channel();
        self.queue.try_send(Message::Turn(sender)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy { retry_after: RETRY_AFTER },
            mpsc::error::TrySendError::Closed(_) => ended().into(),
        })?;
        match timeout(TURN_TIMEOUT, turn).await {
            Ok(Ok(lease)) => Ok(lease?),
            Ok(Err(_)) => Err(ended().into()),
            // A lock that another process holds is noticed by the task. Else too many are before
            // this one.
            Err(_) => Err(match self.health.outage() {
                Some(fault) => Error::Unavailable(fault.name().into()),
                None => Error::Busy { retry_after: RETRY_AFTER },
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

/// Runs the task until it is told to end, again and again should it panic.
async fn supervise(task: Task) {
    let task = Mutex::new(task);
    loop {
        let run = AssertUnwindSafe(async { task.lock().await.run().await }).catch_unwind();
        if run.await.is_ok() {
            return;
        }
        let mut task = task.lock().await;
        // Whatever it was doing is undone with the connection.
        task.connection = None;
        task.health.failed(Fault::Unreachable, &ended());
        tracing::error!("database writer panicked");
        drop(task);
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

struct Task {
    file: DatabaseFile,
    health: Arc<Health>,
    connection: Option<SqliteConnection>,
    /// The connections that read, to be closed with the writing one where that is needed.
    readers: SqlitePool,
    /// The file of the write-ahead log that the connection uses, as far as it is known.
    wal: Option<FileIdentity>,
    /// Whether something was written since the last checkpoint.
    is_dirty: bool,
    /// When the last attempt was made to cut the write-ahead log back.
    shrunk_at: Option<Instant>,
    queue: mpsc::Receiver<Message>,
    /// Who waits for the end.
    closing: Option<oneshot::Sender<()>>,
}

/// Why a transaction did not begin.
enum BeginError {
    Unfit(Unfit),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for BeginError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// How a transaction of a batch ended.
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
                let _is_gone = closed.send(());
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

    /// Runs a transaction, and those that wait by then, and commits them together.
    async fn batch(&mut self, first: oneshot::Sender<Result<Lease, WriteError>>) {
        if first.is_closed() {
            return;
        }
        if let Err(error) = self.begin().await {
            drop(first.send(Err(error)));
            return;
        }
        let began = world::monotonic();
        let mut waiting = Vec::new();
        let mut next = Some(first);
        let mut count = 0;
        while let Some(turn) = next.take() {
            match self.lend(turn, &mut waiting, count > 0).await {
                End::Committed => count += 1,
                // The first one is the whole transaction: nothing is left to commit.
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
                self.health.worked();
                for commit in waiting {
                    drop(commit.send(Ok(())));
                }
            }
            Err(_) => self.fail(waiting, "the commit failed").await,
        }
    }

    /// The next transaction that waits, if one does.
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

    /// Lends the connection to one transaction and waits until it comes back.
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
        let lease = Lease { connection: Some(connection), fault: None, home: Some(home) };
        // Where the transaction waits no more, dropping the lease sends the connection back.
        drop(turn.send(Ok(lease)));
        let Ok(Returned { connection, fault, commit }) = back.await else { return End::Broken };
        self.connection = Some(connection);
        if let Some(fault) = fault {
            let error = WriteError { what: "a statement failed", cause: fault.name().into() };
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

    /// Begins a transaction, on a new connection where there is none.
    async fn begin(&mut self) -> Result<(), WriteError> {
        let began = world::monotonic();
        loop {
            let fault = match self.try_begin().await {
                Ok(()) => return Ok(()),
                Err(BeginError::Unfit(unfit)) => {
                    return Err(refused(&self.health, unfit.fault(), &unfit));
                }
                Err(BeginError::Database(error)) if Fault::of(&error) != Fault::Locked => {
                    self.discard().await;
                    return Err(refused(&self.health, Fault::of(&error), &error));
                }
                Err(BeginError::Database(error)) => error,
            };
            // Another process holds the lock; or SQLite believes that one of our connections does,
            // because the system refused to release it. That ends with the last connection.
            self.close_all().await;
            if began.elapsed() >= HELD_LOCK_TIMEOUT {
                return Err(refused(&self.health, Fault::Locked, &fault));
            }
        }
    }

    async fn try_begin(&mut self) -> Result<(), BeginError> {
        if let Err(unfit) = self.file.check() {
            if matches!(unfit, Unfit::Replaced(_)) {
                return Err(BeginError::Unfit(unfit));
            }
            self.shrink_log().await;
            self.file.check().map_err(BeginError::Unfit)?;
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

    /// The file of the write-ahead log was removed under the connection, which still writes to it.
    /// Copies what it holds into the database file, and has all connections begin a new one.
    async fn rescue_log(&mut self) -> Result<(), BeginError> {
        let removed = self.file.log_removed();
        // The readers are closed, too: to them the log is what it was.
        self.health.failed(removed.fault(), &removed);
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
        Err(BeginError::Unfit(removed))
    }

    /// Closes the writing connection and all reading ones that nobody uses just now.
    async fn close_all(&mut self) {
        self.discard().await;
        while let Some(mut idle) = self.readers.try_acquire() {
            idle.close_on_drop();
            drop(timeout(CLOSE_TIMEOUT, idle.close()).await);
        }
    }

    /// Runs a statement of the writer's own. Errors count for the health of the database.
    async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let Some(connection) = &mut self.connection else { return Err(sqlx::Error::WorkerCrashed) };
        let result = sqlx::query(sql).execute(connection).await.map(drop);
        if let Err(error) = &result {
            self.health.failed(Fault::of(error), error);
        }
        result
    }

    /// Gives up the transaction and its connection.
    async fn fail(
        &mut self,
        waiting: Vec<oneshot::Sender<Result<(), WriteError>>>,
        what: &'static str,
    ) {
        self.discard().await;
        let cause: Arc<str> = self.health.outage().map_or("unknown", Fault::name).into();
        for commit in waiting {
            drop(commit.send(Err(WriteError { what, cause: cause.clone() })));
        }
    }

    async fn discard(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(timeout(CLOSE_TIMEOUT, connection.close()).await);
        }
    }

    /// Copies what lies in the write-ahead log into the database file, as far as readers allow, and
    /// waits for none of them.
    async fn checkpoint(&mut self) {
        self.is_dirty = false;
        if self.connection.is_some()
            && self.execute("PRAGMA wal_checkpoint(PASSIVE)").await.is_err()
        {
            self.discard().await;
        }
    }

    /// Empties the write-ahead log, if no reader needs it any more. Waits for readers for a moment.
    async fn shrink_log(&mut self) {
        if self.shrunk_at.is_some_and(|last| last.elapsed() < SHRINK_INTERVAL) {
            return;
        }
        self.shrunk_at = Some(world::monotonic());
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
