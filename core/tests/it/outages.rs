//! Database outages: a database that is read-only, moved, locked or unreachable. Requests fail
//! temporarily, readiness reports it, and no restart is needed afterwards.

use crate::common::{TestContext, client};
use countersign_core::{
    Error, IssuedTokens, PresentedCredential, Store, store::OpenError, test_on_each_database,
    testing::TestDatabase,
};
use countersign_types::TimeSpan;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

const EMAIL: &str = "ada@example.com";

fn file_of(context: &TestContext) -> PathBuf {
    context.database.url.strip_prefix("sqlite:").expect("a file").into()
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

/// A lock of another process that blocks writes to the sessions, but not reads.
enum WriteLock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl WriteLock {
    async fn on(context: &TestContext) -> Self {
        if context.store.kind() == "sqlite" {
            let mut connection =
                SqliteConnection::connect(&context.database.url).await.expect("a connection");
            execute(&mut connection, "BEGIN IMMEDIATE").await;
            Self::Sqlite(connection)
        } else {
            let mut connection =
                PgConnection::connect(&context.database.url).await.expect("a connection");
            sqlx::raw_sql("BEGIN; LOCK TABLE csgn_sessions IN SHARE MODE")
                .execute(&mut connection)
                .await
                .expect("locked");
            Self::Postgres(connection)
        }
    }

    async fn release(self) {
        match self {
            Self::Sqlite(mut connection) => execute(&mut connection, "ROLLBACK").await,
            Self::Postgres(mut connection) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("unlocked");
            }
        }
    }
}

#[tokio::test]
async fn held_write_lock_fails_readiness_until_released() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    context.sign_up(EMAIL).await;
    let mut other = SqliteConnection::connect(&context.database.url).await.expect("a connection");
    execute(&mut other, "BEGIN IMMEDIATE").await;
    // The wait for the lock and the wait in the writer's queue have the same timeout. On a slow
    // machine the second may end first.
    let write = context.store.write().await;
    assert!(matches!(write, Err(Error::Unavailable(_) | Error::Overloaded { .. })));
    assert!(matches!(context.store.ping().await, Err(Error::Unavailable(_))));
    execute(&mut other, "ROLLBACK").await;
    context.store.ping().await.expect("ready again");
    context.log_in(EMAIL).await;
}

#[tokio::test]
async fn moved_file_rejects_writes_until_restored() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    context.sign_up(EMAIL).await;
    let (path, away) = (file_of(&context), file_of(&context).with_extension("away"));
    fs::rename(&path, &away).expect("moved");
    assert!(matches!(context.store.ping().await, Err(Error::Unavailable(_))));
    assert!(matches!(context.store.write().await, Err(Error::Unavailable(_))));
    assert!(!path.exists(), "no new database is created");
    // Another file at the path is rejected, too.
    fs::copy(&away, &path).expect("a copy");
    assert!(matches!(context.store.write().await, Err(Error::Unavailable(_))));
    fs::rename(&away, &path).expect("moved back");
    context.store.ping().await.expect("ready again");
    context.log_in(EMAIL).await;
}

/// The number of read connections of a node.
const READERS: usize = 4;

#[tokio::test]
async fn replaced_database_file_is_not_read() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let issued = context.sign_up(EMAIL).await;
    let (path, away) = (file_of(&context), file_of(&context).with_extension("away"));
    // A backup taken before the log-out.
    let mut other = SqliteConnection::connect(&context.database.url).await.expect("a connection");
    execute(&mut other, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    other.close().await.expect("closed");
    let old = path.with_extension("old");
    fs::copy(&path, &old).expect("a copy");
    context
        .auth
        .log_out(&client(), PresentedCredential::Bearer(&issued.access.token))
        .await
        .expect("a log-out");

    fs::rename(&path, &away).expect("moved");
    fs::rename(&old, &path).expect("replaced by the backup");
    let by_cookie = async || {
        context
            .auth
            .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
            .await
            .err()
    };
    for _ in 0..READERS * 2 {
        let error = by_cookie().await;
        assert!(matches!(error, Some(Error::Unavailable(_))), "{error:?}");
    }
    fs::rename(&away, &path).expect("moved back");
    let session = context.auth.session_of(&issued.refresh.token).expect("a session");
    let mut held = Vec::new();
    for _ in 0..READERS {
        held.push(context.store.read().await.expect("a reader"));
    }
    for mut reader in held {
        let found = reader.session_with_user(session, context.clock.now()).await.expect("read");
        let found = found.expect("the session");
        assert!(found.session.revoked_at.is_some(), "a connection to the backup is still used");
    }
    assert!(matches!(by_cookie().await, Some(Error::Unauthenticated)));
}

#[tokio::test]
async fn removed_wal_loses_no_committed_data() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    context.sign_up(EMAIL).await;
    let path = file_of(&context);
    fs::remove_file(path.with_extension("db-wal")).expect("removed");
    // The first write detects it. It may fail, but no committed data is lost.
    while context.try_sign_up("bob@example.com").await.is_err() {}
    context.sign_up("eve@example.com").await;
    for email in [EMAIL, "bob@example.com", "eve@example.com"] {
        context.log_in(email).await;
    }
    context.store.ping().await.expect("ready");
    // The files that a power failure would leave now.
    let copy = TestDatabase::sqlite();
    let target = PathBuf::from(copy.url.strip_prefix("sqlite:").expect("a file"));
    fs::copy(&path, &target).expect("a copy");
    fs::copy(path.with_extension("db-wal"), target.with_extension("db-wal"))
        .expect("a copy of the write-ahead log");
    let mut reader = SqliteConnection::connect(&copy.url).await.expect("a connection");
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM csgn_users")
        .fetch_one(&mut reader)
        .await
        .expect("a number");
    assert_eq!(users, 3);
}

#[tokio::test]
async fn full_writer_queue_is_not_an_outage() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let held = context.store.write().await.expect("a transaction");
    tokio::time::pause();
    let error = context.store.write().await.err();
    tokio::time::resume();
    assert!(matches!(error, Some(Error::Overloaded { .. })), "{error:?}");
    context.store.ping().await.expect("ready");
    drop(held);
    context.sign_up(EMAIL).await;
}

#[tokio::test]
async fn wal_size_is_bounded_and_shrinks() {
    const BOUND: u64 = 256 * 1024;
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let store = Store::open_with_wal_bound(&context.database.url, BOUND).await.expect("a database");
    let mut other = SqliteConnection::connect(&context.database.url).await.expect("a connection");
    execute(&mut other, "BEGIN; SELECT count(*) FROM csgn_users").await;
    let write = async || {
        let mut tx = store.write().await?;
        tx.feed_touch().await?;
        tx.commit().await
    };
    let mut refused = false;
    for _ in 0..1_000 {
        refused = matches!(write().await, Err(Error::Unavailable(_)));
        if refused {
            break;
        }
    }
    assert!(refused, "the write-ahead log grew without a bound");
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    execute(&mut other, "ROLLBACK").await;
    let again = async { while store.ping().await.is_err() {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), again)
        .await
        .expect("writing works again");
    write().await.expect("written");
}

#[tokio::test]
async fn database_files_are_accessible_by_owner_only() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let modes = |path: &PathBuf| {
        let name = path.display().to_string();
        [name.clone(), format!("{name}-wal"), format!("{name}-shm")].map(|file| {
            fs::metadata(&file)
                .unwrap_or_else(|error| panic!("{file}: {error}"))
                .permissions()
                .mode()
                & 0o777
        })
    };
    let path = file_of(&context);
    assert_eq!(modes(&path), [0o600; 3], "created by the store");
    for ending in ["", "-wal", "-shm"] {
        fs::set_permissions(format!("{}{ending}", path.display()), Permissions::from_mode(0o664))
            .expect("a mode");
    }
    let _again = Store::open(&context.database.url).await.expect("the same database");
    assert_eq!(modes(&path), [0o600; 3], "corrected at start");
}

#[tokio::test]
async fn postgres_database_defaults_have_no_effect() {
    let database = TestDatabase::postgres().await;
    let mut operator = PgConnection::connect(&database.url).await.expect("Postgres");
    let name = database.url.rsplit('/').next().expect("a name").to_owned();
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "default_transaction_deferrable = on",
        "statement_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German'",
        "standard_conforming_strings = off",
        "bytea_output = 'escape'",
    ] {
        let sql = format!("ALTER DATABASE {name} SET {setting}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut operator).await.expect(setting);
    }
    let context = TestContext::on(database).await;
    let issued = context.sign_up(EMAIL).await;
    assert!(crate::common::can_refresh(&context.auth, &issued.refresh.token).await);
    context.log_in(EMAIL).await;
    context.store.ping().await.expect("ready");
}

#[tokio::test]
async fn lost_privileges_fail_readiness_until_granted() {
    let mut database = TestDatabase::postgres().await;
    let mut operator = PgConnection::connect(&database.url).await.expect("Postgres");
    let name = database.url.rsplit('/').next().expect("a name").to_owned();
    let as_operator = async |operator: &mut PgConnection, sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(operator).await.expect(&sql);
    };
    as_operator(
        &mut operator,
        format!("CREATE ROLE owner_{name} LOGIN; ALTER DATABASE {name} OWNER TO owner_{name}"),
    )
    .await;
    database.url = database.url.replace("postgres@", &format!("owner_{name}@"));
    let context = TestContext::on(database).await;
    let issued = context.sign_up(EMAIL).await;
    as_operator(
        &mut operator,
        format!("REVOKE UPDATE ON csgn_sessions, csgn_change_feed_head FROM owner_{name}"),
    )
    .await;
    let refused = context.auth.refresh(&crate::common::client(), &issued.refresh.token).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{:?}", refused.err());
    assert!(matches!(context.store.ping().await, Err(Error::Unavailable(_))));
    as_operator(
        &mut operator,
        format!("GRANT UPDATE ON csgn_sessions, csgn_change_feed_head TO owner_{name}"),
    )
    .await;
    context.store.ping().await.expect("ready again");
    assert!(crate::common::can_refresh(&context.auth, &issued.refresh.token).await);
}

#[tokio::test]
async fn database_without_utf8_is_rejected_at_start() {
    let database = TestDatabase::postgres().await;
    let mut operator = PgConnection::connect(&database.url).await.expect("Postgres");
    let name = format!("{}_ascii", database.url.rsplit('/').next().expect("a name"));
    let sql = format!(
        "CREATE DATABASE {name} ENCODING 'SQL_ASCII' \
         TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut operator).await.expect("a database");
    let url = format!("{}_ascii", database.url);
    let error = Store::open(&url).await.err();
    assert!(matches!(error, Some(OpenError::Encoding(encoding)) if encoding == "SQL_ASCII"));
}

/// Begins three sessions of a user: one is idle for too long, one has ended, and one is active.
async fn idle_ended_and_active(context: &TestContext) -> [IssuedTokens; 3] {
    let idle = context.sign_up(EMAIL).await;
    context.clock.advance(TimeSpan::days(90));
    let (ended, active) = (context.log_in(EMAIL).await, context.log_in(EMAIL).await);
    let token = PresentedCredential::Bearer(&ended.access.token);
    context.auth.log_out(&client(), token).await.expect("a log-out");
    [idle, ended, active]
}

test_on_each_database! {
    async fn log_out_of_ended_session_writes_nothing(context: TestContext) {
        let [idle, ended, active] = idle_ended_and_active(&context).await;
        let lock = WriteLock::on(&context).await;
        for _ in 0..20 {
            for ended_token in [
                PresentedCredential::Bearer(&ended.access.token),
                PresentedCredential::Cookie(&ended.refresh.token),
                PresentedCredential::Cookie(&idle.refresh.token),
            ] {
                context.auth.log_out(&client(), ended_token).await.expect("already ended");
            }
            for ended_token in [&ended.access.token, &ended.refresh.token, &idle.refresh.token] {
                context.auth.revoke(&client(), ended_token).await.expect("already ended");
            }
        }
        let log_out = tokio::spawn({
            let (auth, token) = (context.auth.clone(), active.access.token.clone());
            async move { auth.log_out(&client(), PresentedCredential::Bearer(&token)).await }
        });
        for _ in 0..20 {
            context.store.read().await.expect("a connection").feed_head().await.expect("a number");
        }
        assert!(!log_out.is_finished(), "an active session is written");
        lock.release().await;
        log_out.await.expect("a task").expect("a log-out");
        assert!(!crate::common::can_refresh(&context.auth, &active.refresh.token).await);
    }

    async fn refresh_that_rotates_nothing_writes_nothing(context: TestContext) {
        let [idle, ended, active] = idle_ended_and_active(&context).await;
        let refresh = async |token| context.auth.refresh(&client(), token).await;
        let newest = refresh(&active.refresh.token).await.expect("refreshed");
        let lock = WriteLock::on(&context).await;
        for _ in 0..20 {
            for token in [&ended.refresh.token, &idle.refresh.token] {
                assert!(matches!(refresh(token).await, Err(Error::Unauthenticated)));
            }
            let again = refresh(&active.refresh.token).await.expect("in the grace period");
            assert_eq!(again.refresh.token, newest.refresh.token);
        }
        lock.release().await;
    }

    async fn concurrent_transactions_commit_or_roll_back_whole(context: TestContext) {
        let before =
            context.store.read().await.expect("a connection").feed_head().await.expect("a number");
        let one = async |number: usize| {
            let mut tx = context.store.write().await.expect("a transaction");
            let news = [countersign_core::store::change_feed::Change::KeysChanged];
            tx.feed_append(&news, crate::common::START).await.expect("an entry");
            match number % 3 {
                0 => tx.commit().await.map(|()| true).expect("a commit"),
                // Rolled back within a group commit.
                1 => {
                    drop(tx);
                    false
                }
                _ => {
                    tx.feed_append(&news, crate::common::START).await.expect("a second entry");
                    tx.commit().await.map(|()| true).expect("a commit")
                }
            }
        };
        let done = futures::future::join_all((0..60).map(one)).await;
        let after =
            context.store.read().await.expect("a connection").feed_head().await.expect("a number");
        assert_eq!(done.iter().filter(|done| **done).count(), 40);
        assert_eq!(after - before, 60, "20 with one entry and 20 with two");
    }
}

/// A proxy before Postgres that can simulate a vanished server: existing connections stay open but
/// transfer nothing, and new connections work.
struct Network(watch::Sender<u32>);

impl Network {
    async fn before(database: &mut TestDatabase) -> Self {
        let mut url: url::Url = database.url.parse().expect("a URL");
        let server = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        database.url = url.into();
        let (failovers, seen) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (mut failovers, server) = (seen.clone(), server.clone());
                failovers.mark_unchanged();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.expect("Postgres");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = failovers.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self(failovers)
    }

    fn drop_traffic(&self) {
        self.0.send_modify(|failovers| *failovers += 1);
    }
}

#[tokio::test]
async fn vanished_server_releases_pool_connections() {
    const MAX_CONNECTIONS: usize = 16;
    let mut database = TestDatabase::postgres().await;
    let network = Network::before(&mut database).await;
    let store = Store::open(&database.url).await.expect("a database");
    let mut held = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        held.push(store.read().await.expect("a connection"));
    }
    let error = store.read().await.err();
    assert!(matches!(error, Some(Error::Overloaded { .. })), "all are in use: {error:?}");
    network.drop_traffic();
    drop(held);
    store.ping().await.expect("a new connection");
}

#[tokio::test]
async fn cancelled_reads_leave_no_open_transaction() {
    let mut database = TestDatabase::postgres().await;
    database.url.push_str("?statement-cache-capacity=0");
    let store = Store::open(&database.url).await.expect("a database");
    for polls in 0..50 {
        let mut read = Box::pin(store.read());
        for _ in 0..polls {
            if futures::poll!(&mut read).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let mut operator = PgConnection::connect(&database.url).await.expect("Postgres");
    let all_are_rolled_back = async {
        const OPEN: &str = "SELECT COUNT(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        while sqlx::query_scalar::<_, i64>(OPEN).fetch_one(&mut operator).await.expect("a number")
            > 0
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), all_are_rolled_back)
        .await
        .expect("no open transaction");
}
