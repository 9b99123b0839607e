//! Postgres: how the pool is set up, what every transaction begins with, and statements without names
//! for connection poolers.
//!
//! Nothing depends on the defaults of the server, the database or the user: isolation, access mode and
//! timeouts are set by each transaction, encoding and time zone by each connection.
//!
//! A pooler in transaction mode (such as `PgBouncer`) gives each transaction another connection, so
//! prepared statements must not outlive one. `?statement-cache-capacity=0` in the URL says that there
//! is one in between: then no statement has a name, no session is changed, and reading takes a
//! transaction, too.

use super::{Fault, LOCK_TIMEOUT, OpenError, health::Health};
use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Connection, Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use std::{str::FromStr, sync::Arc, time::Duration};

/// The most connections of one node.
pub(super) const MAX_CONNECTIONS: u32 = 16;
/// After this time the server gives up on a statement, and on a transaction that does nothing. Both
/// are below the timeout of a request.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);
/// Names the lock that nodes which start together wait for before they migrate.
const MIGRATION_LOCK: i64 = 0x6c6b_6d69_6772_6174;

/// A pool, and whether statements may have names.
#[derive(Clone, Debug)]
pub(super) struct PostgresPool {
    pool: PgPool,
    /// What a transaction begins with that writes, and one that only reads.
    begin: Arc<str>,
    begin_reading: Arc<str>,
    is_pooled: bool,
}

impl PostgresPool {
    pub(super) async fn open(url: &str, health: Arc<Health>) -> Result<Self, OpenError> {
        let is_pooled = has_no_statement_cache(url);
        let options = connect_options(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(LOCK_TIMEOUT)
            .before_acquire(move |_, connection| {
                let is_usable = health.is_usable(connection.age);
                Box::pin(async move { Ok(is_usable) })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !is_pooled {
                        let sql = format!("SET statement_timeout = {}", STATEMENT_TIMEOUT.as_millis());
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
        Ok(Self { pool, begin: begin("READ WRITE").into(), begin_reading: begin("READ ONLY").into(), is_pooled })
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) const fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// A connection for reading.
    pub(super) async fn read(&self) -> Result<ReadingPostgres, sqlx::Error> {
        if self.is_pooled {
            // A statement is prepared in one exchange and run in the next. Only a transaction keeps a
            // pooler from giving the second one another connection.
            self.pool.begin_with(AssertSqlSafe(self.begin_reading.to_string())).await.map(ReadingPostgres::Transaction)
        } else {
            self.pool.acquire().await.map(ReadingPostgres::Connection)
        }
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin_with(AssertSqlSafe(self.begin.to_string())).await
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
        sqlx::raw_sql(AssertSqlSafe(format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))).execute(&mut *tx).await?;
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

/// What reads: a connection, or behind a pooler a transaction, which is rolled back when dropped.
pub(super) enum ReadingPostgres {
    Connection(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl ReadingPostgres {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Connection(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

/// How to connect to `url`.
///
/// # Errors
/// When `url` is no address of a Postgres database.
pub(crate) fn connect_options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    // sqlx asks for `extra_float_digits` at the start, which poolers refuse (PgBouncer before 1.20).
    // No table has a floating-point column, so the value does not matter.
    Ok(PgConnectOptions::from_str(url)?.application_name("latchkey").extra_float_digits(None))
}

fn has_no_statement_cache(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| query.split('&').any(|option| option == "statement-cache-capacity=0"))
}

/// Whether an error says that a pooler is in between that the URL does not tell of.
pub(super) fn is_pooler(error: &sqlx::Error) -> bool {
    Fault::of(error) == Fault::Pooler
}

/// A connection whose statements have names only where they may.
#[derive(Debug)]
pub(crate) struct Statements<'c> {
    pub(super) connection: &'c mut PgConnection,
    pub(super) are_named: bool,
}

impl<'c> Executor<'c> for Statements<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.connection.fetch_many(Unnamed { query, may_be_named: self.are_named })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.connection.fetch_optional(Unnamed { query, may_be_named: self.are_named })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
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
