//! Postgres: the pool, the settings of each transaction, and unnamed statements for connection
//! poolers.
//!
//! Nothing depends on defaults of the server, the database or the user: each transaction sets
//! isolation, access mode and timeouts; each connection sets encoding and time zone.
//!
//! A pooler in transaction mode (such as `PgBouncer`) gives each transaction another connection, so
//! prepared statements must not outlive one. `?statement-cache-capacity=0` in the URL announces a
//! pooler: then statements are unnamed, no session settings are changed, and reads use a
//! transaction.

use crate::store::{
    DatabaseErrorKind, OpenError, health::Health, limits::LOCK_TIMEOUT, migrations::Migrations,
};
use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Connection, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    Transaction,
    pool::PoolConnection,
    postgres::{
        PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgQueryResult, PgRow, PgStatement,
        PgTypeInfo,
    },
};
use std::{str::FromStr, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Maximum number of connections of one node.
pub(super) const MAX_CONNECTIONS: u32 = 16;
/// Server-side timeouts of a statement and of an idle transaction. Both are below the timeout of a
/// request.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);
/// Timeout of the check of a returned or idle connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was idle for less is not checked again.
const IDLE_UNTESTED: Duration = Duration::from_secs(1);
/// The advisory lock that serializes the migrations of nodes.
const MIGRATION_LOCK: i64 = 0x6c6b_6d69_6772_6174;

/// A pool, and whether statements may be named.
#[derive(Clone, Debug)]
pub(super) struct PostgresPool {
    pool: PgPool,
    in_use: Arc<InUse>,
    /// The first statement of a transaction that writes, and of one that only reads.
    begin: Arc<str>,
    begin_reading: Arc<str>,
    is_pooled: bool,
}

/// A counter of the connections in use. Clones of the pool share it.
#[derive(Debug, Default)]
struct InUse(Arc<()>);

impl PostgresPool {
    pub(super) async fn open(url: &str, health: Arc<Health>) -> Result<Self, OpenError> {
        let is_pooled = has_no_statement_cache(url);
        let options = connect_options(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(LOCK_TIMEOUT)
            // The pool's own check waits without a timeout: a vanished server would occupy each
            // connection for a quarter of an hour.
            .test_before_acquire(false)
            .before_acquire({
                let health = health.clone();
                move |connection, state| {
                    let is_usable = health.is_usable(state.age);
                    Box::pin(async move {
                        Ok(is_usable
                            && (state.idle_for < IDLE_UNTESTED || answers(connection).await))
                    })
                }
            })
            .after_release(move |connection, state| {
                let is_usable = health.is_usable(state.age);
                Box::pin(async move { Ok(is_usable && answers(connection).await) })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !is_pooled {
                        let sql =
                            format!("SET statement_timeout = {}", STATEMENT_TIMEOUT.as_millis());
                        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        let begin = |access: &str| {
            format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED {access}; SET LOCAL statement_timeout = {}; \
                    SET LOCAL lock_timeout = {}; \
                 SET LOCAL idle_in_transaction_session_timeout = {}",
                STATEMENT_TIMEOUT.as_millis(),
                LOCK_TIMEOUT.as_millis(),
                IDLE_TRANSACTION_TIMEOUT.as_millis(),
            )
        };
        Ok(Self {
            pool,
            in_use: Arc::default(),
            begin: begin("READ WRITE").into(),
            begin_reading: begin("READ ONLY").into(),
            is_pooled,
        })
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Acquires a connection for reading.
    pub(super) async fn read(&self) -> Result<PostgresHandle, AcquireError> {
        let held = if self.is_pooled {
            // A statement is prepared in one round trip and executed in the next. Only a
            // transaction keeps both on the same connection of a pooler.
            self.begin_with(&self.begin_reading).await.map(PostgresHandleKind::Transaction)
        } else {
            self.pool.acquire().await.map(PostgresHandleKind::Connection)
        };
        self.handle(held)
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<PostgresHandle, AcquireError> {
        let held = self.begin_with(&self.begin).await.map(PostgresHandleKind::Transaction);
        self.handle(held)
    }

    /// Begins in a task of its own: if the client disconnects meanwhile, the transaction must be
    /// known to have begun, or it would not be rolled back.
    async fn begin_with(&self, sql: &str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let (pool, sql) = (self.pool.clone(), AssertSqlSafe(sql.to_owned()));
        tokio::spawn(async move { pool.begin_with(sql).await })
            .await
            .unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    fn handle(
        &self,
        held: Result<PostgresHandleKind, sqlx::Error>,
    ) -> Result<PostgresHandle, AcquireError> {
        match held {
            Ok(held) => Ok(PostgresHandle {
                held,
                are_named: !self.is_pooled,
                _in_use: self.in_use.0.clone(),
            }),
            Err(sqlx::Error::PoolTimedOut)
                if Arc::strong_count(&self.in_use.0) > MAX_CONNECTIONS as usize =>
            {
                Err(AcquireError::AllInUse)
            }
            // The pool retried until its timeout and discarded the cause.
            Err(sqlx::Error::PoolTimedOut) => Err(AcquireError::Database(sqlx::Error::Io(
                std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection could be made"),
            ))),
            Err(error) => Err(AcquireError::Database(error)),
        }
    }

    /// Migrates the tables in one transaction, on a connection of its own.
    pub(super) async fn migrate(&self, migrations: Vec<Migrations>) -> Result<(), OpenError> {
        let mut connection = self.pool.acquire().await?.detach();
        check_encoding(&mut connection).await?;
        let mut tx = connection
            .begin_with(
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
                SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0",
            )
            .await?;
        // Statement names that another client of the pooler left on this connection.
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")))
            .execute(&mut *tx)
            .await?;
        for Migrations { mut migrator, .. } in migrations {
            // Another node waits until this one has committed.
            migrator.set_locking(false);
            migrator.run(&mut *tx).await?;
        }
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
        tx.commit().await?;
        drop(connection.close().await);
        Ok(())
    }
}

/// Checks that the database can store all of Unicode.
async fn check_encoding(connection: &mut PgConnection) -> Result<(), OpenError> {
    use sqlx::Row;
    let row = sqlx::raw_sql("SHOW server_encoding").fetch_one(connection).await?;
    let encoding: String = row.try_get(0)?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
}

/// The reason why there is no connection.
pub(super) enum AcquireError {
    /// Other requests use all connections, and none was returned in time.
    AllInUse,
    /// No connection could be made, or the transaction did not begin.
    Database(sqlx::Error),
}

/// A connection in use.
pub(crate) struct PostgresHandle {
    held: PostgresHandleKind,
    are_named: bool,
    _in_use: Arc<()>,
}

enum PostgresHandleKind {
    Connection(PoolConnection<Postgres>),
    /// Rolled back when dropped.
    Transaction(Transaction<'static, Postgres>),
}

impl PostgresHandle {
    pub(crate) fn statements(&mut self) -> Statements<'_> {
        let connection = match &mut self.held {
            PostgresHandleKind::Connection(connection) => &mut **connection,
            PostgresHandleKind::Transaction(transaction) => &mut **transaction,
        };
        Statements { connection, are_named: self.are_named }
    }

    /// Commits, if this is a transaction.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.held {
            PostgresHandleKind::Connection(_) => Ok(()),
            PostgresHandleKind::Transaction(transaction) => transaction.commit().await,
        }
    }
}

/// Whether the server responds on this connection in time.
async fn answers(connection: &mut PgConnection) -> bool {
    matches!(timeout(ANSWER_TIMEOUT, connection.ping()).await, Ok(Ok(())))
}

/// Returns the options to connect to `url`.
///
/// # Errors
/// Fails if `url` is not a valid Postgres URL.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    // sqlx sets `extra_float_digits` at the start, which poolers reject (PgBouncer before 1.20). No
    // table has a floating-point column, so the value does not matter.
    Ok(PgConnectOptions::from_str(url)?.application_name("countersign").extra_float_digits(None))
}

fn has_no_statement_cache(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|option| option == "statement-cache-capacity=0")
    })
}

/// Whether an error reveals a pooler that the URL does not announce.
pub(super) fn is_pooler(error: &sqlx::Error) -> bool {
    DatabaseErrorKind::of(error) == DatabaseErrorKind::Pooler
}

/// A connection whose statements are named only if allowed.
#[derive(Debug)]
pub(crate) struct Statements<'c> {
    connection: &'c mut PgConnection,
    are_named: bool,
}

impl<'c> Executor<'c> for Statements<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.connection.fetch_many(Unnamed { query, may_be_named: self.are_named })
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.connection.fetch_optional(Unnamed { query, may_be_named: self.are_named })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.connection.prepare_with(sql, parameters)
    }

    #[cfg(feature = "sqlx-macros")]
    fn describe<'e>(
        self,
        sql: SqlStr,
    ) -> BoxFuture<'e, Result<sqlx::Describe<Postgres>, sqlx::Error>>
    where
        'c: 'e,
    {
        self.connection.describe(sql)
    }
}

struct Unnamed<E> {
    query: E,
    may_be_named: bool,
}

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.query.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.query.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, sqlx::error::BoxDynError> {
        self.query.take_arguments()
    }

    fn persistent(&self) -> bool {
        self.may_be_named && self.query.persistent()
    }
}
