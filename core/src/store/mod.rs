//! The tables. One text of SQL for SQLite and Postgres; each file holds the statements of one table
//! and the verbs that run them.
//!
//! Reading and writing are different things here. [`Store::read`] takes one of many connections and
//! has only the reading verbs; [`Store::write`] begins a transaction and has all of them. On SQLite
//! one task writes (`writer`), and readers never wait for it. Anonymous clients wait for each other
//! before they wait for the writer (`Store::write_in`), so that a flood of them takes one turn.
//!
//! An error of the database has a kind ([`Fault`]), which decides whether the request can be
//! repeated and whether the connection is used again. [`Store::ping`] knows whether writing works.
//!
//! Rules that keep one text valid: placeholders `$1 …`; types `TEXT BIGINT BOOLEAN`, bytes and ids;
//! no `now()`, no sequences, no booleans as literals; whatever may happen only once is one
//! conditional `UPDATE`; expected conflicts are `ON CONFLICT DO NOTHING` and a count, because after
//! an error a Postgres transaction is dead and a SQLite one is not. Locks are taken in the order
//! users, sessions, feed.

pub mod backup;
mod database_url;
pub mod events;
mod fault;
pub mod feed;
mod health;
pub mod installation;
pub mod keys;
pub mod limits;
mod open_error;
mod postgres;
pub mod sessions;
mod sqlite;
pub mod users;
mod writer;

pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use fault::Fault;
pub use open_error::explain;

use crate::{Error, hasher::Lane};
use health::Health;
#[cfg(any(test, feature = "testing"))]
pub(crate) use postgres::connect_options;
use postgres::{AcquireError, PostgresLink, PostgresPool, is_pooler};
use sqlite::DatabaseFile;
use sqlx::{
    Sqlite, SqliteConnection,
    pool::PoolConnection,
    sqlite::{SqlitePool, SqlitePoolOptions},
};
use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use writer::{Lease, Writer};

/// How long a transaction waits for a connection or for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one statement may take, with all that lies between here and the database.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(12);

/// How many anonymous clients write at the same time: the one writer of SQLite they have in turns
/// with all others, and of the connections to Postgres a quarter.
const ANONYMOUS_ON_SQLITE: usize = 1;
const ANONYMOUS_ON_POSTGRES: usize = 4;
/// What an anonymous client is told to wait whose turn did not come, in seconds.
const RETRY_AFTER: u32 = 2;
/// How many connections read from SQLite.
const SQLITE_READERS: u32 = 4;

/// Runs one expression on whichever database this is. Both arms are checked against their own
/// driver. The error of a statement is noted, for the connection and for readiness.
macro_rules! on {
    ($reader:expr, |$c:ident| $body:expr) => {{
        let result = match $reader.link_mut() {
            $crate::store::Link::Sqlite(held) => {
                let $c = held.connection();
                $crate::store::in_time(Box::pin(async { Ok($body) })).await
            }
            $crate::store::Link::Postgres(held) => {
                let $c = held.statements();
                $crate::store::in_time(Box::pin(async { Ok($body) })).await
            }
        };
        $reader.noted(result)?
    }};
}
pub(crate) use on;

/// Gives up on a statement whose answer does not come: the server may be gone without a word.
pub(crate) async fn in_time<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(STATEMENT_TIMEOUT, statement).await.unwrap_or_else(|elapsed| {
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)))
    })
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pools: Pools,
    anonymous: Arc<Semaphore>,
    health: Arc<Health>,
    /// One probe at a time.
    probe: Arc<Mutex<()>>,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite { file: Arc<DatabaseFile>, writer: Writer, readers: SqlitePool },
    Postgres(PostgresPool),
}

/// A connection that reads.
pub struct Reader {
    link: Link,
    health: Arc<Health>,
}

/// A transaction. It is rolled back when it is dropped without [`Tx::commit`].
pub struct Tx {
    reader: Reader,
    /// Given back at the end.
    turn: Option<OwnedSemaphorePermit>,
}

pub(crate) enum Link {
    Sqlite(SqliteLink),
    Postgres(PostgresLink),
}

pub(crate) enum SqliteLink {
    Reader(PoolConnection<Sqlite>),
    Writer(Lease),
}

impl SqliteLink {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Reader(connection) => connection,
            Self::Writer(lease) => lease.connection(),
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
    /// The SQLite file cannot be made or looked at.
    #[error("the database file {0} cannot be opened: {1}")]
    File(String, std::io::Error),
    /// A Postgres database that cannot store all text.
    #[error("the encoding of the database is {0}, and must be UTF8: make it with ENCODING 'UTF8'")]
    Encoding(String),
    /// The URL leads to a pooler in transaction mode and does not say so.
    #[error(
        "DATABASE_URL leads through a connection pooler: add ?statement-cache-capacity=0 to it"
    )]
    Pooler,
}

impl Store {
    /// Opens a database and brings its tables up to date. `url` is `sqlite:PATH` (made if it is not
    /// there) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_bounded(url, sqlite::MAX_WAL).await
    }

    async fn open_bounded(url: &str, max_wal: u64) -> Result<Self, OpenError> {
        let opened = if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path)), max_wal).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url).await
        } else {
            Err(OpenError::Scheme)
        };
        opened.map_err(|error| match error {
            OpenError::Connect(cause) if is_pooler(&cause) => OpenError::Pooler,
            OpenError::Migrate(sqlx::migrate::MigrateError::Execute(cause))
                if is_pooler(&cause) =>
            {
                OpenError::Pooler
            }
            other => other,
        })
    }

    async fn open_sqlite(path: &Path, max_wal: u64) -> Result<Self, OpenError> {
        let (file, health) = (DatabaseFile::prepare(path, max_wal)?, Arc::<Health>::default());
        file.migrate(sqlx::migrate!("migrations/sqlite")).await?;
        let first = file.connect().await?;
        // What readers read is a row or a page of a list, and the system keeps the file in memory.
        let options = file.options().clone().pragma("cache_size", "-512");
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(LOCK_TIMEOUT)
            .before_acquire({
                let health = health.clone();
                move |_, connection| {
                    let is_usable = health.is_usable(connection.age);
                    Box::pin(async move { Ok(is_usable) })
                }
            })
            .connect_with(options)
            .await?;
        let writer = Writer::start(file.clone(), health.clone(), first, readers.clone());
        Ok(Self::new(
            Pools::Sqlite { file: Arc::new(file), writer, readers },
            ANONYMOUS_ON_SQLITE,
            health,
        ))
    }

    async fn open_postgres(url: &str) -> Result<Self, OpenError> {
        let health = Arc::<Health>::default();
        let pool = PostgresPool::open(url, health.clone()).await?;
        pool.migrate(sqlx::migrate!("migrations/postgres")).await?;
        Ok(Self::new(Pools::Postgres(pool), ANONYMOUS_ON_POSTGRES, health))
    }

    fn new(pools: Pools, anonymous: usize, health: Arc<Health>) -> Self {
        Self {
            pools,
            anonymous: Arc::new(Semaphore::new(anonymous)),
            health,
            probe: Arc::default(),
        }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader, Error> {
        let link = match &self.pools {
            Pools::Sqlite { file, readers, .. } => {
                let held = Box::pin(readers.acquire()).await;
                // A connection that was just opened belongs to whatever file is at the path.
                if let Err(unfit) = file.check_identity() {
                    self.health.failed(unfit.fault(), &unfit);
                    return Err(Error::Unavailable(unfit.fault().name().into()));
                }
                held.map(|held| Link::Sqlite(SqliteLink::Reader(held)))
            }
            Pools::Postgres(pool) => {
                return Ok(self.reader(self.acquired(Box::pin(pool.read())).await?));
            }
        };
        Ok(self.reader(self.noted(link)?))
    }

    /// A transaction. Nothing slow belongs into it: on SQLite everybody else who writes is waiting.
    pub async fn write(&self) -> Result<Tx, Error> {
        let link = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                Link::Sqlite(SqliteLink::Writer(Box::pin(writer.begin()).await?))
            }
            Pools::Postgres(pool) => self.acquired(Box::pin(pool.begin())).await?,
        };
        Ok(Tx { reader: self.reader(link), turn: None })
    }

    /// The same for a known client or an anonymous one, of which there may be a flood: those take
    /// turns among themselves first.
    pub(crate) async fn write_in(&self, lane: Lane) -> Result<Tx, Error> {
        let turn = match lane {
            Lane::Known => None,
            Lane::Strangers => {
                let turn = timeout(LOCK_TIMEOUT, self.anonymous.clone().acquire_owned()).await;
                Some(
                    turn.map_err(|_| Error::Busy { retry_after: RETRY_AFTER })?
                        .map_err(Error::internal)?,
                )
            }
        };
        Ok(Tx { turn, ..self.write().await? })
    }

    /// Waits for a connection to Postgres. That all are in use is no fault of the database.
    async fn acquired(
        &self,
        link: impl Future<Output = Result<PostgresLink, AcquireError>>,
    ) -> Result<Link, Error> {
        let error = match timeout(STATEMENT_TIMEOUT, link).await {
            Ok(Ok(link)) => return Ok(Link::Postgres(link)),
            Ok(Err(AcquireError::AllInUse)) => {
                return Err(Error::Busy { retry_after: RETRY_AFTER });
            }
            Ok(Err(AcquireError::Database(error))) => error,
            Err(elapsed) => {
                sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))
            }
        };
        Ok(self.noted(Err(error))?)
    }

    fn reader(&self, link: Link) -> Reader {
        Reader { link, health: self.health.clone() }
    }

    fn noted<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        result.inspect_err(|error| self.health.failed(Fault::of(error), error))
    }

    /// "sqlite" or "postgres".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Whether it answers, and whether it can be written to as far as the last write tells. After a
    /// failed write it tries to write itself, so that this turns good again without other requests.
    pub async fn ping(&self) -> Result<(), Error> {
        if let Pools::Sqlite { file, .. } = &self.pools
            && let Err(unfit) = file.check()
        {
            self.health.failed(unfit.fault(), &unfit);
        }
        if let Some(fault) = self.health.outage() {
            // Readiness is asked by anonymous clients, too: one of them probes, the others are
            // told.
            let Ok(_probing) = self.probe.try_lock() else {
                return Err(Error::Unavailable(fault.name().into()));
            };
            let mut tx = self.write().await?;
            tx.feed_touch().await?;
            tx.commit().await?;
        }
        let mut reader = self.read().await?;
        if let Pools::Postgres(_) = &self.pools
            && reader.is_read_only().await?
        {
            let fault = Fault::ReadOnly;
            self.health.failed(fault, &std::io::Error::other("the server takes no writes"));
            return Err(Error::Unavailable(fault.name().into()));
        }
        reader.feed_head().await.map(drop)
    }

    /// Closes every connection, after which SQLite has written its log back.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.pool().close().await,
        }
    }
}

impl Reader {
    pub(crate) const fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Takes note of the error of a statement.
    pub(crate) fn noted<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        result.inspect_err(|error| {
            let fault = Fault::of(error);
            self.health.failed(fault, error);
            if let Link::Sqlite(SqliteLink::Writer(lease)) = &mut self.link {
                lease.failed(fault);
            }
        })
    }

    /// The time by the clock of the database; `None` for SQLite, which has none of its own.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn time(&mut self) -> Result<Option<countersign_types::Timestamp>, Error> {
        const NOW: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint";
        match &mut self.link {
            Link::Sqlite(_) => Ok(None),
            Link::Postgres(held) => {
                let result = in_time(sqlx::query_scalar(NOW).fetch_one(held.statements())).await;
                Ok(Some(self.noted(result)?))
            }
        }
    }

    /// Whether this Postgres is a standby, or the database is set to take no writes.
    async fn is_read_only(&mut self) -> Result<bool, Error> {
        const IN_RECOVERY: &str = "SELECT pg_is_in_recovery()";
        match &mut self.link {
            Link::Sqlite(_) => Ok(false),
            Link::Postgres(held) => {
                let result =
                    in_time(sqlx::query_scalar(IN_RECOVERY).fetch_one(held.statements())).await;
                Ok(self.noted(result)?)
            }
        }
    }
}

impl Tx {
    /// Makes it so. When this fails it may have happened all the same.
    pub async fn commit(self) -> Result<(), Error> {
        let Self { reader: Reader { link, health }, turn } = self;
        match link {
            Link::Sqlite(SqliteLink::Writer(lease)) => Box::pin(lease.commit()).await?,
            Link::Postgres(transaction) => match in_time(Box::pin(transaction.commit())).await {
                Ok(()) => health.worked(),
                Err(error) => {
                    health.failed(Fault::of(&error), &error);
                    return Err(error.into());
                }
            },
            Link::Sqlite(SqliteLink::Reader(_)) => {}
        }
        drop(turn);
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

/// Rows, as a `LIMIT` takes them.
pub(super) fn limit(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Every statement of the store by name, for the test that prepares each on both databases.
pub const STATEMENTS: &[&[(&str, &str)]] = &[
    events::STATEMENTS,
    feed::STATEMENTS,
    installation::STATEMENTS,
    keys::STATEMENTS,
    limits::STATEMENTS,
    sessions::STATEMENTS,
    users::STATEMENTS,
];

/// Declares the statements of one table, and the list of them.
macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        $(const $name: &str = $sql;)*
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;

#[cfg(any(test, feature = "testing"))]
impl Store {
    /// As [`Store::open`], with another bound of SQLite's write-ahead log, in bytes.
    pub async fn open_with_wal_bound(url: &str, bytes: u64) -> Result<Self, OpenError> {
        Self::open_bounded(url, bytes).await
    }
}

#[cfg(any(test, feature = "testing"))]
impl Reader {
    /// Has the database check one statement against its tables.
    pub async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        use sqlx::{Executor, SqlStr};
        on!(self, |c| c.prepare(SqlStr::from_static(sql)).await.map(drop))
    }

    /// What the tables look like: `table.column NOT NULL` and the unique indexes, sorted, without
    /// the types.
    pub async fn schema(&mut self) -> Result<Vec<String>, sqlx::Error> {
        const SQLITE: &str = "SELECT m.name || '.' || c.name || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' NOT NULL' ELSE '' END FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'
             UNION ALL SELECT 'index ' || i.name || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END || ' ' || (SELECT group_concat(name) FROM (SELECT COALESCE(x.name, '(expression)') AS name FROM pragma_index_info(i.name) x ORDER BY x.seqno)) FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' AND i.origin = 'c' ORDER BY 1";
        const POSTGRES: &str = "SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'
             UNION ALL SELECT 'index ' || c.relname || CASE WHEN i.indisunique THEN ' unique' ELSE '' END || ' ' || (SELECT string_agg(COALESCE(a.attname, '(expression)'), ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = 'public' AND NOT i.indisprimary ORDER BY 1";
        let mut lines: Vec<String> = match self.link_mut() {
            Link::Sqlite(held) => sqlx::query_scalar(SQLITE).fetch_all(held.connection()).await?,
            Link::Postgres(held) => {
                sqlx::query_scalar(POSTGRES).fetch_all(held.statements()).await?
            }
        };
        lines.sort();
        Ok(lines)
    }
}

/// Rows for tests of retention.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named after what they are")]
pub enum Seed {
    RevokedSessions,
    ExpiredSessions,
    IdleSessions,
    Events,
    Limits,
    Feed,
}

#[cfg(any(test, feature = "testing"))]
impl Tx {
    /// Makes `rows` rows that ended, happened or were used at `at`, in one statement.
    pub async fn seed(
        &mut self,
        seed: Seed,
        user: countersign_types::UserId,
        rows: i64,
        at: countersign_types::Timestamp,
    ) -> Result<(), Error> {
        const NUMBERS: &str = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)";
        let sqlite = matches!(self.link_mut(), Link::Sqlite(_));
        // Random, but for the time that an id of an event begins with (RFC 9562, 5.7).
        let (id, event, bytes) = if sqlite {
            (
                "randomblob(16)",
                "CAST(substr(unhex(printf('%012x', $3)), 1, 6) || randomblob(10) AS BLOB)",
                "randomblob(32)",
            )
        } else {
            (
                "gen_random_uuid()",
                "(lpad(to_hex($3::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid",
                "decode(replace(gen_random_uuid()::text, '-', ''), 'hex')",
            )
        };
        let session = |expires: &str, idle: &str, revoked: &str| {
            format!(
                "INSERT INTO sessions (id, user_id, counter, rotated_at, previous_rotated_at, confirmed, persistent, amr, auth_time, created_at, last_seen_at, idle_limit, expires_at, revoked_at, revoked_for)
                 {NUMBERS} SELECT {id}, $2, 1, $3, $3, 0, n > 0, 'pwd', $3, $3, $3, {idle}, {expires}, {revoked}, CASE WHEN {revoked} IS NULL THEN NULL ELSE 'logged_out' END FROM numbers"
            )
        };
        // Every placeholder is used in each, because Postgres wants to know their types.
        let sql = match seed {
            Seed::RevokedSessions => {
                session("$3 + 1000000000000", "1000000000000", "CAST($3 AS BIGINT)")
            }
            Seed::ExpiredSessions => session("$3", "1000000000000", "CAST(NULL AS BIGINT)"),
            Seed::IdleSessions => session("$3 + 1000000000000", "0", "CAST(NULL AS BIGINT)"),
            Seed::Events => format!(
                "INSERT INTO events (id, at, kind, outcome, actor_id, target_id) {NUMBERS} SELECT {event}, $3, 'logged_in', 'done', $2, $2 FROM numbers"
            ),
            Seed::Limits => format!(
                "INSERT INTO limits (kind, subject, tries, free_at, at) {NUMBERS} SELECT CASE WHEN $2 IS NULL THEN '' ELSE 'seeded' END, {bytes}, 1, $3, $3 FROM numbers"
            ),
            Seed::Feed => format!(
                "INSERT INTO feed (number, kind, subject, value, until) {NUMBERS} SELECT (SELECT COALESCE(MIN(number), 0) FROM feed) - n, 'seeded', CASE WHEN $2 IS NULL THEN '' ELSE 'seeded' END, 0, $3 FROM numbers"
            ),
        };
        on!(self, |c| sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(rows)
            .bind(user)
            .bind(at)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }
}

#[cfg(any(test, feature = "testing"))]
impl Reader {
    /// How many rows a table has.
    pub async fn count_rows(&mut self, table: &'static str) -> Result<i64, Error> {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        Ok(on!(self, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(c).await?))
    }

    /// The steps by which SQLite would carry out a statement.
    pub async fn query_plan(&mut self, sql: &'static str) -> Result<Vec<String>, sqlx::Error> {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let Link::Sqlite(held) = self.link_mut() else { return Ok(Vec::new()) };
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(held.connection()).await?;
        Ok(rows.into_iter().map(|(.., step)| step).collect())
    }
}
