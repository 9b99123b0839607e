//! The tables. One text of SQL for SQLite and Postgres; each file holds the statements of one table and the verbs that run them.
//!
//! Reading and writing are different things here. [`Store::read`] takes one of many connections and has only the reading verbs;
//! [`Store::write`] opens a transaction and has all of them. On SQLite there is one writer, which begins with `BEGIN IMMEDIATE`, and readers
//! never wait for it. Strangers wait for each other before they wait for the writer (`Store::write_in`), so that a flood of them is one in line.
//!
//! Rules that keep one text valid: placeholders `$1 …`; types `TEXT BIGINT BOOLEAN`, bytes and ids; no `now()`, no sequences, no booleans as
//! literals; whatever may happen only once is one conditional `UPDATE`; expected conflicts are `ON CONFLICT DO NOTHING` and a count, because
//! after an error a Postgres transaction is dead and a SQLite one is not. Locks are taken in the order users, sessions, feed.

pub mod events;
pub mod feed;
pub mod installation;
pub mod keys;
pub mod limits;
pub mod sessions;
pub mod users;

use crate::{Error, hasher::Lane, world};
use sqlx::{
    Database, Postgres, Sqlite, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::DirBuilder,
    ops::{Deref, DerefMut},
    os::unix::fs::DirBuilderExt,
    path::Path,
    str::FromStr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a statement waits for a connection or for SQLite's write lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many strangers write at the same time: the one writer of SQLite they have in turns with all others, and of the connections to Postgres a
/// quarter.
const STRANGERS_ON_SQLITE: usize = 1;
const STRANGERS_ON_POSTGRES: usize = 4;
/// What strangers are told to wait whose turn did not come, in seconds.
const RETRY_AFTER: u32 = 2;

/// Runs one expression on whichever database this is. Both arms are checked against their own driver.
macro_rules! on {
    ($reader:expr, |$c:ident| $body:expr) => {
        match $reader.link_mut() {
            $crate::store::Link::Sqlite(held) => {
                let $c = &mut **held;
                $body
            }
            $crate::store::Link::Postgres(held) => {
                let $c = &mut **held;
                $body
            }
        }
    };
}
pub(crate) use on;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pools: Pools,
    strangers: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// A connection that reads.
pub struct Reader(Link);

/// A transaction. It is undone when dropped without [`Tx::commit`].
pub struct Tx {
    reader: Reader,
    /// Given back when it is over.
    turn: Option<OwnedSemaphorePermit>,
}

pub(crate) enum Link {
    Sqlite(Held<Sqlite>),
    Postgres(Held<Postgres>),
}

pub(crate) enum Held<D: Database> {
    Plain(PoolConnection<D>),
    Tx(Transaction<'static, D>),
}

impl<D: Database> Deref for Held<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Tx(transaction) => transaction,
        }
    }
}

impl<D: Database> DerefMut for Held<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Tx(transaction) => transaction,
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error("the database must be given as sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")]
    Scheme,
    /// It cannot be reached, or it is not a database.
    #[error("the database cannot be opened: {0}")]
    Connect(#[from] sqlx::Error),
    /// Its tables are not what this version expects.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The folder of the SQLite file cannot be made.
    #[error("the folder {0} cannot be made: {1}")]
    Folder(String, std::io::Error),
}

impl Store {
    /// Opens a database and brings its tables up to date. `url` is `sqlite:PATH` (made if it is not there) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let store = Self::connect(url).await?;
        match &store.pools {
            Pools::Sqlite { writer, .. } => SQLITE_MIGRATIONS.run(writer).await?,
            Pools::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await?,
        }
        Ok(store)
    }

    async fn connect(url: &str) -> Result<Self, OpenError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| OpenError::Folder(folder.display().to_string(), error))?;
            }
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .busy_timeout(PATIENCE)
                .journal_mode(SqliteJournalMode::Wal)
                // With NORMAL a power cut takes back commits that were acknowledged, and a revoked session lives again.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                // What is deleted is written over: an account that is gone is not to be read out of the file.
                .pragma("secure_delete", "ON");
            let writer = SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(PATIENCE)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(options.clone())
                .await?;
            // What they read is a row or a page of a list, and the system keeps the file in memory anyhow: no need to keep two megabytes of it four times.
            let options = options.pragma("cache_size", "-512");
            let readers = SqlitePoolOptions::new().max_connections(4).acquire_timeout(PATIENCE).connect_with(options).await?;
            Ok(Self { pools: Pools::Sqlite { writer, readers }, strangers: Arc::new(Semaphore::new(STRANGERS_ON_SQLITE)) })
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)?.application_name("latchkey");
            let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(PATIENCE).connect_with(options).await?;
            Ok(Self { pools: Pools::Postgres(pool), strangers: Arc::new(Semaphore::new(STRANGERS_ON_POSTGRES)) })
        } else {
            Err(OpenError::Scheme)
        }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader, Error> {
        Ok(Reader(match &self.pools {
            Pools::Sqlite { readers, .. } => Link::Sqlite(Held::Plain(readers.acquire().await?)),
            Pools::Postgres(pool) => Link::Postgres(Held::Plain(pool.acquire().await?)),
        }))
    }

    /// A transaction. Nothing slow belongs into it: on SQLite everybody else who writes is waiting.
    pub async fn write(&self) -> Result<Tx, Error> {
        let reader = Reader(match &self.pools {
            Pools::Sqlite { writer, .. } => Link::Sqlite(Held::Tx(writer.begin_with("BEGIN IMMEDIATE").await?)),
            Pools::Postgres(pool) => Link::Postgres(Held::Tx(pool.begin().await?)),
        });
        Ok(Tx { reader, turn: None })
    }

    /// The same for somebody whom we know, or for a stranger, of whom there may be a flood: they take turns among themselves first.
    pub(crate) async fn write_in(&self, lane: Lane) -> Result<Tx, Error> {
        let turn = match lane {
            Lane::Known => None,
            Lane::Strangers => {
                let turn = timeout(PATIENCE, self.strangers.clone().acquire_owned()).await;
                Some(turn.map_err(|_| Error::Busy { retry_after: RETRY_AFTER })?.map_err(Error::internal)?)
            }
        };
        Ok(Tx { turn, ..self.write().await? })
    }

    /// "sqlite" or "postgres".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let started = world::monotonic();
        self.read().await?.feed_head().await?;
        tracing::trace!(elapsed = ?started.elapsed(), "the database answers");
        Ok(())
    }

    /// Closes every connection, after which SQLite has written its log back.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Reader {
    pub(crate) fn link_mut(&mut self) -> &mut Link {
        &mut self.0
    }
}

impl Tx {
    /// Makes it so. When this fails it may have happened all the same.
    pub async fn commit(self) -> Result<(), Error> {
        match self.reader.0 {
            Link::Sqlite(Held::Tx(transaction)) => transaction.commit().await?,
            Link::Postgres(Held::Tx(transaction)) => transaction.commit().await?,
            Link::Sqlite(Held::Plain(_)) | Link::Postgres(Held::Plain(_)) => {}
        }
        drop(self.turn);
        Ok(())
    }
}

// A transaction reads, too.
impl Deref for Tx {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

/// Every statement of the store by name, for the test that prepares each on both databases.
pub const STATEMENTS: &[&[(&str, &str)]] =
    &[events::STATEMENTS, feed::STATEMENTS, installation::STATEMENTS, keys::STATEMENTS, limits::STATEMENTS, sessions::STATEMENTS, users::STATEMENTS];

/// Declares the statements of one table, and the list of them.
macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        $(const $name: &str = $sql;)*
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;

#[cfg(any(test, feature = "testing"))]
impl Reader {
    /// Has the database check one statement against its tables.
    pub async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        use sqlx::{Executor, SqlStr};
        on!(self, |c| c.prepare(SqlStr::from_static(sql)).await.map(drop))
    }

    /// What the tables look like: `table.column NOT NULL` and the unique indexes, sorted, without the types.
    pub async fn schema(&mut self) -> Result<Vec<String>, sqlx::Error> {
        const SQLITE: &str = "SELECT m.name || '.' || c.name || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' NOT NULL' ELSE '' END FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'
             UNION ALL SELECT 'index ' || i.name || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END || ' ' || (SELECT group_concat(name) FROM (SELECT x.name FROM pragma_index_info(i.name) x ORDER BY x.seqno)) FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' AND i.origin = 'c' ORDER BY 1";
        const POSTGRES: &str = "SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'
             UNION ALL SELECT 'index ' || c.relname || CASE WHEN i.indisunique THEN ' unique' ELSE '' END || ' ' || (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = 'public' AND NOT i.indisprimary ORDER BY 1";
        let mut lines: Vec<String> = match self.link_mut() {
            Link::Sqlite(held) => sqlx::query_scalar(SQLITE).fetch_all(&mut **held).await?,
            Link::Postgres(held) => sqlx::query_scalar(POSTGRES).fetch_all(&mut **held).await?,
        };
        lines.sort();
        Ok(lines)
    }
}
