//! SQLite: reads run on the thread of the request, and one thread writes, with group commit.

use crate::ApiError;
use rusqlite::{Connection, TransactionBehavior};
use std::{
    cell::RefCell,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
};
use tokio::sync::oneshot;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id INTEGER PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        salt BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS sessions (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users (id),
        secret_hash BLOB NOT NULL
    ) STRICT;
";
const MAX_GROUP: usize = 256;

/// A statement to run in the next transaction. It returns what is done after the commit, which
/// receives whether the commit succeeded.
type Write = Box<dyn FnOnce(&Connection) -> Box<dyn FnOnce(bool)> + Send>;

#[derive(Clone)]
pub struct Store {
    path: Arc<PathBuf>,
    writer: mpsc::Sender<Write>,
}

thread_local! {
    static READER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

impl Store {
    /// Opens the database, creates its tables and starts the writing thread.
    pub fn open(path: PathBuf) -> rusqlite::Result<Self> {
        let connection = connect(&path)?;
        connection.execute_batch(SCHEMA)?;
        let (writer, queue) = mpsc::channel();
        thread::spawn(move || write_in_groups(connection, &queue));
        Ok(Self { path: Arc::new(path), writer })
    }

    /// Queries with the connection of this thread. A query by primary key takes less time than
    /// moving it to another thread.
    pub fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        READER.with_borrow_mut(|reader| match reader {
            Some(connection) => query(connection),
            None => query(reader.insert(connect(&self.path)?)),
        })
    }

    /// Runs a statement in the next transaction. Returns after its commit.
    pub async fn write<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (sender, receiver) = oneshot::channel();
        let write: Write = Box::new(|connection| {
            let result = statement(connection);
            Box::new(|committed| {
                let result =
                    if committed { result.map_err(Into::into) } else { Err(ApiError::Internal) };
                // An error means that the client has disconnected.
                drop(sender.send(result));
            })
        });
        self.writer.send(write).map_err(|_| ApiError::Internal)?;
        receiver.await.map_err(|_| ApiError::Internal)?
    }
}

fn connect(path: &PathBuf) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    )?;
    Ok(connection)
}

/// Commits all writes together that have arrived during the last commit.
fn write_in_groups(mut connection: Connection, queue: &mpsc::Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        // The clients of a write that is dropped here receive an error.
        let Ok(transaction) = connection.transaction_with_behavior(TransactionBehavior::Immediate)
        else {
            continue;
        };
        let mut responses = vec![first(&transaction)];
        responses.extend(queue.try_iter().take(MAX_GROUP - 1).map(|write| write(&transaction)));
        let committed = transaction.commit().is_ok();
        for respond in responses {
            respond(committed);
        }
    }
}
