//! The database: pools, transactions, migrations and backup. SQLite and Postgres share one text of
//! SQL. The statements of a table, and the methods that run them, are in the file `store.rs` of its
//! feature.
//!
//! [`Store::read`] takes one of many connections, with the reading methods only; [`Store::write`]
//! begins a transaction, with all methods. On SQLite one task writes (`writer`), and readers never
//! wait for it. Anonymous clients first wait for each other (`Store::begin_for`), so that a flood
//! of them takes one place in the writer's queue.
//!
//! A database error has a kind ([`DatabaseErrorKind`]), which decides whether the request can be
//! repeated and whether the connection is reused. [`Store::ping`] checks whether the database can
//! be written to.
//!
//! Rules for the shared SQL: placeholders `$1 …`; types `TEXT BIGINT BOOLEAN`, bytes and ids; no
//! `now()`, no sequences, no boolean literals; a one-time change is one conditional `UPDATE`;
//! expected conflicts are `ON CONFLICT DO NOTHING` and a count, because an error aborts a
//! transaction on Postgres but not on SQLite. Locks are taken in the order users, links,
//! sessions, feed.

pub mod backup;
pub mod change_feed;
mod database_url;
mod error_kind;
mod explain;
mod health;
pub mod installation;
pub(crate) mod limits;
mod migrations;
mod open_error;
mod postgres;
mod readers;
pub(crate) mod retries;
mod sqlite;
mod writer;

pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error_kind::DatabaseErrorKind;
pub use explain::explain;
pub use open_error::OpenError;

use crate::{Error, priority::Priority};
use health::Health;
use limits::{LOCK_TIMEOUT, STATEMENT_TIMEOUT};
#[cfg(any(test, feature = "testing"))]
pub(crate) use postgres::connect_options;
use postgres::{AcquireError, PostgresHandle, PostgresPool, is_pooler};
use readers::{ReadLease, Readers};
use sqlite::DatabaseFile;
use sqlx::SqliteConnection;
use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use writer::{Lease, Writer};

/// Maximum number of concurrent writes by anonymous clients: one in the queue of SQLite's writer,
/// and a quarter of the connections to Postgres.
const MAX_ANONYMOUS_WRITERS_SQLITE: usize = 1;
const MAX_ANONYMOUS_WRITERS_POSTGRES: usize = 4;
/// Seconds until a rejected client may retry.
const RETRY_AFTER: u32 = 2;

/// Runs an expression on either database. Both arms are checked against their own driver. An error
/// is recorded, for the connection and for readiness.
macro_rules! with_connection {
    ($reader:expr, |$c:ident| $body:expr) => {{
        let result = match $reader.connection_mut() {
            $crate::store::DatabaseConnection::Sqlite(held) => {
                let $c = held.connection();
                $crate::store::with_timeout(Box::pin(async { Ok($body) })).await
            }
            $crate::store::DatabaseConnection::Postgres(held) => {
                let $c = held.statements();
                $crate::store::with_timeout(Box::pin(async { Ok($body) })).await
            }
        };
        $reader.record_error(result)?
    }};
}
pub(crate) use with_connection;

/// Implements [`sqlx::FromRow`] for both databases: each member is the value of the column with its
/// name. A first member `..name` is read from the same row by its own type.
///
/// `derive(sqlx::FromRow)` would do the same, but needs the macros of `sqlx`, which compile both
/// drivers once more.
macro_rules! from_row {
    ($type:ident { $(..$part:ident,)? $($column:ident),* $(,)? }) => {
        $crate::store::from_row!(@for sqlx::sqlite::SqliteRow, $type { $(..$part,)? $($column),* });
        $crate::store::from_row!(@for sqlx::postgres::PgRow, $type { $(..$part,)? $($column),* });
    };
    (@for $row:ty, $type:ident { $(..$part:ident,)? $($column:ident),* }) => {
        impl sqlx::FromRow<'_, $row> for $type {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                use sqlx::Row as _;
                Ok(Self {
                    $($part: sqlx::FromRow::from_row(row)?,)?
                    $($column: row.try_get(stringify!($column))?,)*
                })
            }
        }
    };
}
pub(crate) use from_row;

/// Runs a statement with its parameters, in order. Returns the number of rows that it changed.
macro_rules! execute {
    ($writer:expr, $statement:expr $(, $parameter:expr)* $(,)?) => {
        $crate::store::with_connection!($writer, |c| sqlx::query($statement)
            $(.bind($parameter))*
            .execute(c)
            .await?
            .rows_affected())
    };
}
pub(crate) use execute;

/// Fails a statement without a response: the server may have vanished.
pub(crate) async fn with_timeout<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(STATEMENT_TIMEOUT, statement).await.unwrap_or_else(|elapsed| {
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)))
    })
}

/// The database. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    pools: Pools,
    anonymous: Arc<Semaphore>,
    health: Arc<Health>,
    /// Allows one probe at a time.
    probe: Arc<Mutex<()>>,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite { file: Arc<DatabaseFile>, writer: Writer, readers: Readers },
    Postgres(PostgresPool),
}

/// A connection for reading.
pub struct ReadConnection {
    connection: DatabaseConnection,
    health: Arc<Health>,
}

/// A transaction. It is rolled back when dropped without [`WriteTransaction::commit`].
pub struct WriteTransaction {
    reader: ReadConnection,
    /// Released at the end of the transaction.
    permit: Option<OwnedSemaphorePermit>,
}

pub(crate) enum DatabaseConnection {
    Sqlite(SqliteHandle),
    Postgres(PostgresHandle),
}

pub(crate) enum SqliteHandle {
    Read(ReadLease),
    Write(Lease),
}

impl SqliteHandle {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Read(lease) => lease.connection(),
            Self::Write(lease) => lease.connection(),
        }
    }
}

impl Store {
    /// Opens a database and migrates its tables. `url` is `sqlite:PATH` (created if missing) or
    /// `postgres://…`.
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
        file.migrate(migrations::sqlite()).await?;
        let first = file.connect().await?;
        // Readers read single rows and pages of lists, and the operating system caches the file.
        let options = file.options().clone().pragma("cache_size", "-512");
        let readers = Readers::open(options, health.clone()).await?;
        let writer = Writer::start(file.clone(), health.clone(), first, readers.clone());
        Ok(Self::new(
            Pools::Sqlite { file: Arc::new(file), writer, readers },
            MAX_ANONYMOUS_WRITERS_SQLITE,
            health,
        ))
    }

    async fn open_postgres(url: &str) -> Result<Self, OpenError> {
        let health = Arc::<Health>::default();
        let pool = PostgresPool::open(url, health.clone()).await?;
        pool.migrate(migrations::postgres()).await?;
        Ok(Self::new(Pools::Postgres(pool), MAX_ANONYMOUS_WRITERS_POSTGRES, health))
    }

    fn new(pools: Pools, anonymous: usize, health: Arc<Health>) -> Self {
        Self {
            pools,
            anonymous: Arc::new(Semaphore::new(anonymous)),
            health,
            probe: Arc::default(),
        }
    }

    /// Acquires a connection for reading.
    pub async fn read(&self) -> Result<ReadConnection, Error> {
        let connection = match &self.pools {
            Pools::Sqlite { file, readers, .. } => {
                // A new connection opens whatever file is at the path. When it is closed, SQLite
                // copies the write-ahead log at that path into it, and deletes the log.
                self.check_file(file)?;
                let held = Box::pin(readers.acquire()).await;
                // The connection may have been opened before the file was replaced.
                self.check_file(file)?;
                held.map(|held| DatabaseConnection::Sqlite(SqliteHandle::Read(held)))
            }
            Pools::Postgres(pool) => {
                return Ok(self.reader(self.acquired(Box::pin(pool.read())).await?));
            }
        };
        Ok(self.reader(self.record_error(connection)?))
    }

    /// Checks that the path of the database still leads to the opened file.
    fn check_file(&self, file: &DatabaseFile) -> Result<(), Error> {
        file.check_identity().map_err(|file_error| {
            self.health.record_error(file_error.kind(), &file_error);
            Error::Unavailable(file_error.kind().name().into())
        })
    }

    /// Begins a transaction. It must be short: on SQLite all other writers wait for it.
    pub async fn write(&self) -> Result<WriteTransaction, Error> {
        let connection = match &self.pools {
            Pools::Sqlite { writer, .. } => {
                DatabaseConnection::Sqlite(SqliteHandle::Write(Box::pin(writer.begin()).await?))
            }
            Pools::Postgres(pool) => self.acquired(Box::pin(pool.begin())).await?,
        };
        Ok(WriteTransaction { reader: self.reader(connection), permit: None })
    }

    /// Begins a transaction for a client of this priority. Anonymous clients first wait for each
    /// other.
    pub(crate) async fn begin_for(&self, priority: Priority) -> Result<WriteTransaction, Error> {
        let permit = match priority {
            Priority::KnownDevice => None,
            Priority::Anonymous => {
                let permit = timeout(LOCK_TIMEOUT, self.anonymous.clone().acquire_owned()).await;
                Some(
                    permit
                        .map_err(|_| Error::Overloaded { retry_after: RETRY_AFTER })?
                        .map_err(Error::internal)?,
                )
            }
        };
        Ok(WriteTransaction { permit, ..self.write().await? })
    }

    /// Waits for a connection to Postgres. An exhausted pool is not an error of the database.
    async fn acquired(
        &self,
        connection: impl Future<Output = Result<PostgresHandle, AcquireError>>,
    ) -> Result<DatabaseConnection, Error> {
        let error = match timeout(STATEMENT_TIMEOUT, connection).await {
            Ok(Ok(connection)) => return Ok(DatabaseConnection::Postgres(connection)),
            Ok(Err(AcquireError::AllInUse)) => {
                return Err(Error::Overloaded { retry_after: RETRY_AFTER });
            }
            Ok(Err(AcquireError::Database(error))) => error,
            Err(elapsed) => {
                sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))
            }
        };
        Ok(self.record_error(Err(error))?)
    }

    fn reader(&self, connection: DatabaseConnection) -> ReadConnection {
        ReadConnection { connection, health: self.health.clone() }
    }

    fn record_error<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        result.inspect_err(|error| self.health.record_error(DatabaseErrorKind::of(error), error))
    }

    /// Whether this is SQLite, where one transaction at a time writes.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// Returns "sqlite" or "postgres".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Checks that the database responds, and that the last write succeeded. After a failed write
    /// it tries to write itself, so that readiness recovers without other requests.
    pub async fn ping(&self) -> Result<(), Error> {
        if let Pools::Sqlite { file, .. } = &self.pools
            && let Err(file_error) = file.check()
        {
            self.health.record_error(file_error.kind(), &file_error);
        }
        if let Some(kind) = self.health.outage() {
            // Anonymous clients may request readiness: one of them probes, and the others get the
            // last result.
            let Ok(_probing) = self.probe.try_lock() else {
                return Err(Error::Unavailable(kind.name().into()));
            };
            let mut tx = self.write().await?;
            tx.feed_touch().await?;
            tx.commit().await?;
        }
        let mut reader = self.read().await?;
        if let Pools::Postgres(_) = &self.pools
            && reader.is_read_only().await?
        {
            let kind = DatabaseErrorKind::ReadOnly;
            self.health.record_error(kind, &std::io::Error::other("the server takes no writes"));
            return Err(Error::Unavailable(kind.name().into()));
        }
        reader.feed_head().await.map(drop)
    }

    /// Closes all connections. SQLite then has no write-ahead log any more.
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

impl ReadConnection {
    pub(crate) const fn connection_mut(&mut self) -> &mut DatabaseConnection {
        &mut self.connection
    }

    /// Records the error of a statement.
    pub(crate) fn record_error<T>(
        &mut self,
        result: Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        result.inspect_err(|error| {
            let kind = DatabaseErrorKind::of(error);
            self.health.record_error(kind, error);
            if let DatabaseConnection::Sqlite(SqliteHandle::Write(lease)) = &mut self.connection {
                lease.failed(kind);
            }
        })
    }

    /// Returns the time of the database; `None` for SQLite, which has no clock of its own.
    ///
    /// # Errors
    /// Fails when the database cannot be read.
    pub async fn time(&mut self) -> Result<Option<countersign_types::Timestamp>, Error> {
        const NOW: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint";
        match &mut self.connection {
            DatabaseConnection::Sqlite(_) => Ok(None),
            DatabaseConnection::Postgres(held) => {
                let result =
                    with_timeout(sqlx::query_scalar(NOW).fetch_one(held.statements())).await;
                Ok(Some(self.record_error(result)?))
            }
        }
    }

    /// Whether this Postgres is a standby or read-only.
    async fn is_read_only(&mut self) -> Result<bool, Error> {
        const IN_RECOVERY: &str = "SELECT pg_is_in_recovery()";
        match &mut self.connection {
            DatabaseConnection::Sqlite(_) => Ok(false),
            DatabaseConnection::Postgres(held) => {
                let result =
                    with_timeout(sqlx::query_scalar(IN_RECOVERY).fetch_one(held.statements()))
                        .await;
                Ok(self.record_error(result)?)
            }
        }
    }
}

impl WriteTransaction {
    /// Commits the transaction. After an error it may have taken effect.
    pub async fn commit(self) -> Result<(), Error> {
        let Self { reader: ReadConnection { connection, health }, permit } = self;
        match connection {
            DatabaseConnection::Sqlite(SqliteHandle::Write(lease)) => {
                Box::pin(lease.commit()).await?;
            }
            DatabaseConnection::Postgres(transaction) => {
                match with_timeout(Box::pin(transaction.commit())).await {
                    Ok(()) => health.record_success(),
                    Err(error) => {
                        health.record_error(DatabaseErrorKind::of(&error), &error);
                        return Err(error.into());
                    }
                }
            }
            DatabaseConnection::Sqlite(SqliteHandle::Read(_)) => {}
        }
        drop(permit);
        Ok(())
    }
}

// A transaction can also read.
impl Deref for WriteTransaction {
    type Target = ReadConnection;

    fn deref(&self) -> &ReadConnection {
        &self.reader
    }
}

impl DerefMut for WriteTransaction {
    fn deref_mut(&mut self) -> &mut ReadConnection {
        &mut self.reader
    }
}

/// Converts a number of rows for `LIMIT`.
pub(crate) fn limit(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Declares the statements of one table and the list of them.
macro_rules! statements {
    ($($name:ident = $sql:expr;)*) => {
        $(const $name: &str = $sql;)*
        #[cfg(feature = "testing")]
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;

#[cfg(any(test, feature = "testing"))]
impl Store {
    /// Opens a store with another maximum size of SQLite's write-ahead log, in bytes.
    pub async fn open_with_wal_bound(url: &str, bytes: u64) -> Result<Self, OpenError> {
        Self::open_bounded(url, bytes).await
    }
}

#[cfg(any(test, feature = "testing"))]
impl ReadConnection {
    /// Checks a statement against the tables.
    pub async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        use sqlx::{Executor, SqlStr};
        with_connection!(self, |c| c.prepare(SqlStr::from_static(sql)).await.map(drop))
    }

    /// Returns the schema: `table.column NOT NULL` and the indexes, sorted, without types.
    pub async fn schema(&mut self) -> Result<Vec<String>, sqlx::Error> {
        const SQLITE: &str = "SELECT m.name || '.' || c.name || CASE WHEN c.\"notnull\" = 1 \
            OR c.pk > 0 THEN ' NOT NULL' ELSE '' END FROM sqlite_master m, \
            pragma_table_info(m.name) c WHERE m.type = 'table' \
            AND m.name NOT IN ('csgn_migrations', 'app_migrations') AND m.name NOT LIKE 'sqlite%'
             UNION ALL SELECT 'index ' || i.name || CASE WHEN i.\"unique\" = 1 THEN ' unique' \
             ELSE '' END || ' ' || (SELECT group_concat(name) \
             FROM (SELECT COALESCE(x.name, '(expression)') AS name \
             FROM pragma_index_info(i.name) x ORDER BY x.seqno)) \
             FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' \
             AND i.origin = 'c' ORDER BY 1";
        const POSTGRES: &str = "SELECT table_name || '.' || column_name || \
            CASE WHEN is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END \
            FROM information_schema.columns WHERE table_schema = 'public' \
            AND table_name NOT IN ('csgn_migrations', 'app_migrations')
             UNION ALL SELECT 'index ' || c.relname || CASE WHEN i.indisunique THEN ' unique' \
             ELSE '' END || ' ' || (SELECT string_agg(COALESCE(a.attname, '(expression)'), ',' \
             ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) LEFT \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
             AND k.attnum > 0) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = 'public' \
             AND NOT i.indisprimary ORDER BY 1";
        let mut lines: Vec<String> = match self.connection_mut() {
            DatabaseConnection::Sqlite(held) => {
                sqlx::query_scalar(SQLITE).fetch_all(held.connection()).await?
            }
            DatabaseConnection::Postgres(held) => {
                sqlx::query_scalar(POSTGRES).fetch_all(held.statements()).await?
            }
        };
        lines.sort();
        Ok(lines)
    }
}

/// Rows for retention tests.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names describe the rows")]
pub enum Seed {
    RevokedSessions,
    ExpiredSessions,
    IdleSessions,
    Events,
    Limits,
    Feed,
    Invitations,
}

#[cfg(any(test, feature = "testing"))]
impl WriteTransaction {
    /// Inserts `rows` rows that ended, happened, were used or were created at `at`.
    pub async fn seed(
        &mut self,
        seed: Seed,
        user: countersign_types::UserId,
        rows: i64,
        at: countersign_types::Timestamp,
    ) -> Result<(), Error> {
        const NUMBERS: &str = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 \
            FROM numbers WHERE n < $1)";
        let sqlite = matches!(self.connection_mut(), DatabaseConnection::Sqlite(_));
        // Random bytes after the time that an event id begins with (RFC 9562, 5.7).
        let (id, event, bytes) = if sqlite {
            (
                "randomblob(16)",
                "CAST(substr(unhex(printf('%012x', $3)), 1, 6) || randomblob(10) AS BLOB)",
                "randomblob(32)",
            )
        } else {
            (
                "gen_random_uuid()",
                "(lpad(to_hex($3::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, \
                    '-', ''), 13))::uuid",
                "decode(replace(gen_random_uuid()::text, '-', ''), 'hex')",
            )
        };
        let session = |expires: &str, idle: &str, revoked: &str| {
            format!(
                "INSERT INTO csgn_sessions (id, user_id, generation, rotated_at, \
                    previous_rotated_at, confirmed_generation, persistent, amr, auth_time, \
                    created_at, last_seen_at, idle_limit, expires_at, revoked_at, \
                    revocation_reason)
                 {NUMBERS} SELECT {id}, $2, 1, $3, $3, 0, n > 0, 'pwd', $3, $3, $3, {idle}, \
                 {expires}, {revoked}, CASE WHEN {revoked} IS NULL THEN NULL \
                 ELSE 'logged_out' END FROM numbers"
            )
        };
        // Each statement uses every placeholder, because Postgres must infer their types.
        let sql = match seed {
            Seed::RevokedSessions => {
                session("$3 + 1000000000000", "1000000000000", "CAST($3 AS BIGINT)")
            }
            Seed::ExpiredSessions => session("$3", "1000000000000", "CAST(NULL AS BIGINT)"),
            Seed::IdleSessions => session("$3 + 1000000000000", "0", "CAST(NULL AS BIGINT)"),
            Seed::Events => format!(
                "INSERT INTO csgn_audit_events (id, at, kind, outcome, actor_id, target_id) \
                    {NUMBERS} \
                    SELECT {event}, $3, 'logged_in', 'done', $2, $2 FROM numbers"
            ),
            Seed::Limits => format!(
                "INSERT INTO csgn_rate_limits (kind, subject, attempts, next_allowed_at, at) \
                    {NUMBERS} SELECT \
                    CASE WHEN $2 IS NULL THEN '' ELSE 'seeded' END, {bytes}, 1, $3, $3 FROM numbers"
            ),
            Seed::Invitations => format!(
                "INSERT INTO csgn_one_time_links (id, purpose, email, email_key, session_id, \
                    created_at, expires_at, code_expires_at) {NUMBERS} SELECT {id}, 'invitation', \
                    n || '@example.com', n || '@example.com', $2, $3, $3 + 1000, $3 FROM numbers"
            ),
            Seed::Feed => format!(
                "INSERT INTO csgn_change_feed (number, kind, subject, value, until) {NUMBERS} \
                    SELECT (SELECT COALESCE(MIN(number), 0) FROM csgn_change_feed) - n, 'seeded', \
                    CASE WHEN $2 IS NULL THEN '' ELSE 'seeded' END, 0, $3 FROM numbers"
            ),
        };
        with_connection!(self, |c| sqlx::query(sqlx::AssertSqlSafe(sql))
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
impl ReadConnection {
    /// Returns the number of rows in a table.
    pub async fn count_rows(&mut self, table: &'static str) -> Result<i64, Error> {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        Ok(with_connection!(self, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(c)
            .await?))
    }

    /// Returns SQLite's query plan of a statement.
    pub async fn query_plan(&mut self, sql: &'static str) -> Result<Vec<String>, sqlx::Error> {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let DatabaseConnection::Sqlite(held) = self.connection_mut() else { return Ok(Vec::new()) };
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(held.connection()).await?;
        Ok(rows.into_iter().map(|(.., step)| step).collect())
    }
}
