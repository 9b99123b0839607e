//! Postgres: how the pool is set up, what every transaction begins with, and statements without
//! names for connection poolers.
//!
//! Nothing depends on the defaults of the server, the database or the user: isolation, access mode
//! and timeouts are set by each transaction, encoding and time zone by each connection.
//!
//! A pooler in transaction mode (such as `PgBouncer`) gives each transaction another connection, so
//! prepared statements must not outlive one. `?statement-cache-capacity=0` in the URL says that
//! there is one in between: then no statement has a name, no session is changed, and reading takes
//! a transaction, too.

use super::{Fault, LOCK_TIMEOUT, OpenError, health::Health};
use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Connection, Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{
        PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgQueryResult, PgRow, PgStatement,
        PgTypeInfo,
    },
};
use std::{str::FromStr, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The most connections of one node.
pub(super) const MAX_CONNECTIONS: u32 = 16;
/// After this time the server gives up on a statement, and on a transaction that does nothing. Both
/// are below the timeout of a request.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection that comes back, or was idle, has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was idle for less is not asked again.
const IDLE_UNTESTED: Duration = Duration::from_secs(1);
/// Names the lock that nodes which start together wait for before they migrate.
const MIGRATION_LOCK: i64 = 0x6c6b_6d69_6772_6174;

/// A pool, and whether statements may have names.
#[derive(Clone, Debug)]
pub(super) struct PostgresPool {
    pool: PgPool,
    in_use: Arc<InUse>,
    /// What a transaction begins with that writes, and one that only reads.
    begin: Arc<str>,
    begin_reading: Arc<str>,
    is_pooled: bool,
}

/// One copy for each connection that is in use, whatever copies there are of the pool.
#[derive(Debug, Default)]
struct InUse(Arc<()>);

impl PostgresPool {
    pub(super) async fn open(url: &str, health: Arc<Health>) -> Result<Self, OpenError> {
        let is_pooled = has_no_statement_cache(url);
        let options = connect_options(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(LOCK_TIMEOUT)
            // The pool asks with "ping" and waits without a limit. A server that has vanished
            // without a word would keep each connection, and its place, for a quarter
            // of an hour.
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
                "BEGIN ISOLATION LEVEL READ COMMITTED {access}; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; \
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

    /// A connection for reading.
    pub(super) async fn read(&self) -> Result<PostgresLink, AcquireError> {
        let held = if self.is_pooled {
            // A statement is prepared in one exchange and run in the next. Only a transaction keeps
            // a pooler from giving the second one another connection.
            self.begin_with(&self.begin_reading).await.map(HeldPostgres::Transaction)
        } else {
            self.pool.acquire().await.map(HeldPostgres::Connection)
        };
        self.link(held)
    }

    /// A transaction that writes.
    pub(super) async fn begin(&self) -> Result<PostgresLink, AcquireError> {
        let held = self.begin_with(&self.begin).await.map(HeldPostgres::Transaction);
        self.link(held)
    }

    /// In a task of its own: where the client goes away half way, the transaction must be known to
    /// have begun, or it is not rolled back.
    async fn begin_with(&self, sql: &str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let (pool, sql) = (self.pool.clone(), AssertSqlSafe(sql.to_owned()));
        tokio::spawn(async move { pool.begin_with(sql).await })
            .await
            .unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    fn link(&self, held: Result<HeldPostgres, sqlx::Error>) -> Result<PostgresLink, AcquireError> {
        match held {
            Ok(held) => Ok(PostgresLink {
                held,
                are_named: !self.is_pooled,
                _in_use: self.in_use.0.clone(),
            }),
            Err(sqlx::Error::PoolTimedOut)
                if Arc::strong_count(&self.in_use.0) > MAX_CONNECTIONS as usize =>
            {
                Err(AcquireError::AllInUse)
            }
            // The pool tries again and again to connect, and forgets why that failed.
            Err(sqlx::Error::PoolTimedOut) => Err(AcquireError::Database(sqlx::Error::Io(
                std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection could be made"),
            ))),
            Err(error) => Err(AcquireError::Database(error)),
        }
    }

    /// Brings the tables up to date, in one transaction and on a connection of its own.
    pub(super) async fn migrate(&self, mut migrations: Migrator) -> Result<(), OpenError> {
        let mut connection = self.pool.acquire().await?.detach();
        check_encoding(&mut connection).await?;
        // Another node waits until this one has committed.
        migrations.set_locking(false);
        let mut tx =
            connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
        // Names of statements that another client of the pooler left on this connection.
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")))
            .execute(&mut *tx)
            .await?;
        migrations.run(&mut *tx).await?;
        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
        tx.commit().await?;
        drop(connection.close().await);
        Ok(())
    }
}

/// Text of every script must be storable.
async fn check_encoding(connection: &mut PgConnection) -> Result<(), OpenError> {
    use sqlx::Row;
    let row = sqlx::raw_sql("SHOW server_encoding").fetch_one(connection).await?;
    let encoding: String = row.try_get(0)?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
}

/// Why there is no connection.
pub(super) enum AcquireError {
    /// Other requests have all of them, and gave none back in time.
    AllInUse,
    /// None could be made, or the transaction did not begin.
    Database(sqlx::Error),
}

/// A connection of the pool, in use.
pub(crate) struct PostgresLink {
    held: HeldPostgres,
    are_named: bool,
    _in_use: Arc<()>,
}

enum HeldPostgres {
    Connection(PoolConnection<Postgres>),
    /// Rolled back when dropped.
    Transaction(Transaction<'static, Postgres>),
}

impl PostgresLink {
    pub(crate) fn statements(&mut self) -> Statements<'_> {
        let connection = match &mut self.held {
            HeldPostgres::Connection(connection) => &mut **connection,
            HeldPostgres::Transaction(transaction) => &mut **transaction,
        };
        Statements { connection, are_named: self.are_named }
    }

    /// Commits, if this is a transaction.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.held {
            HeldPostgres::Connection(_) => Ok(()),
            HeldPostgres::Transaction(transaction) => transaction.commit().await,
        }
    }
}

/// Whether the server answers on this connection, soon.
async fn answers(connection: &mut PgConnection) -> bool {
    matches!(timeout(ANSWER_TIMEOUT, connection.ping()).await, Ok(Ok(())))
}

/// How to connect to `url`.
///
/// # Errors
/// When `url` is no address of a Postgres database.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    // sqlx asks for `extra_float_digits` at the start, which poolers refuse (PgBouncer before
    // 1.20). No table has a floating-point column, so the value does not matter.
    Ok(PgConnectOptions::from_str(url)?.application_name("countersign").extra_float_digits(None))
}

fn has_no_statement_cache(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|option| option == "statement-cache-capacity=0")
    })
}

/// Whether an error says that a pooler is in between that the URL does not tell of.
pub(super) fn is_pooler(error: &sqlx::Error) -> bool {
    Fault::of(error) == Fault::Pooler
}

/// A connection whose statements have names only where they may.
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

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, sqlx::Error>>
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
