//! What a database that cannot write, that was moved away, or that another program holds means for
//! those who ask: a temporary refusal, a readiness that tells the truth, and no restart afterwards.

use crate::support::{World, client};
use countersign_core::{
    Error, Presented, Store, on_both, store::OpenError, testing::FreshDatabase,
};
use countersign_types::Span;
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

fn file_of(world: &World) -> PathBuf {
    world.database.url.strip_prefix("sqlite:").expect("a file").into()
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

/// Another program that keeps everybody from writing to the sessions, and nobody from reading.
enum Blocking {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Blocking {
    async fn on(world: &World) -> Self {
        if world.store.kind() == "sqlite" {
            let mut connection =
                SqliteConnection::connect(&world.database.url).await.expect("a connection");
            execute(&mut connection, "BEGIN IMMEDIATE").await;
            Self::Sqlite(connection)
        } else {
            let mut connection =
                PgConnection::connect(&world.database.url).await.expect("a connection");
            sqlx::raw_sql("BEGIN; LOCK TABLE sessions IN SHARE MODE")
                .execute(&mut connection)
                .await
                .expect("locked");
            Self::Postgres(connection)
        }
    }

    async fn end(self) {
        match self {
            Self::Sqlite(mut connection) => execute(&mut connection, "ROLLBACK").await,
            Self::Postgres(mut connection) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("unlocked");
            }
        }
    }
}

#[tokio::test]
async fn held_write_lock_makes_unready_until_released() {
    let world = World::on(FreshDatabase::sqlite()).await;
    world.sign_up(EMAIL).await;
    let mut other = SqliteConnection::connect(&world.database.url).await.expect("a connection");
    execute(&mut other, "BEGIN IMMEDIATE").await;
    assert!(matches!(world.store.write().await, Err(Error::Unavailable(_))));
    assert!(matches!(world.store.ping().await, Err(Error::Unavailable(_))));
    execute(&mut other, "ROLLBACK").await;
    world.store.ping().await.expect("ready again");
    world.log_in(EMAIL).await;
}

#[tokio::test]
async fn moved_file_refuses_writes_until_put_back() {
    let world = World::on(FreshDatabase::sqlite()).await;
    world.sign_up(EMAIL).await;
    let (path, away) = (file_of(&world), file_of(&world).with_extension("away"));
    fs::rename(&path, &away).expect("moved");
    assert!(matches!(world.store.ping().await, Err(Error::Unavailable(_))));
    assert!(matches!(world.store.write().await, Err(Error::Unavailable(_))));
    assert!(!path.exists(), "no new database is made in its place");
    // Another file at the path is no better.
    fs::copy(&away, &path).expect("a copy");
    assert!(matches!(world.store.write().await, Err(Error::Unavailable(_))));
    fs::rename(&away, &path).expect("moved back");
    world.store.ping().await.expect("ready again");
    world.log_in(EMAIL).await;
}

/// The readers of a node.
const READERS: usize = 4;

#[tokio::test]
async fn another_file_at_the_path_is_not_read() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let issued = world.sign_up(EMAIL).await;
    let (path, away) = (file_of(&world), file_of(&world).with_extension("away"));
    // A backup from before the log-out.
    let mut other = SqliteConnection::connect(&world.database.url).await.expect("a connection");
    execute(&mut other, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    other.close().await.expect("closed");
    let old = path.with_extension("old");
    fs::copy(&path, &old).expect("a copy");
    world
        .auth
        .log_out(&client(), Presented::Bearer(&issued.access.token))
        .await
        .expect("a log-out");

    fs::rename(&path, &away).expect("moved");
    fs::rename(&old, &path).expect("the backup in its place");
    let by_cookie = async || {
        world.auth.signed_in(&client(), Presented::Cookie(&issued.refresh.token)).await.err()
    };
    for _ in 0..READERS * 2 {
        let error = by_cookie().await;
        assert!(matches!(error, Some(Error::Unavailable(_))), "{error:?}");
    }
    fs::rename(&away, &path).expect("moved back");
    let session = world.auth.session_of(&issued.refresh.token).expect("a session");
    let mut held = Vec::new();
    for _ in 0..READERS {
        held.push(world.store.read().await.expect("a reader"));
    }
    for mut reader in held {
        let found = reader.session_with_user(session).await.expect("read").expect("the session");
        assert!(found.session.revoked_at.is_some(), "a connection to the backup is still used");
    }
    assert!(matches!(by_cookie().await, Some(Error::SignedOut)));
}

#[tokio::test]
async fn removed_write_ahead_log_loses_nothing_and_stops_no_one() {
    let world = World::on(FreshDatabase::sqlite()).await;
    world.sign_up(EMAIL).await;
    let path = file_of(&world);
    fs::remove_file(path.with_extension("db-wal")).expect("removed");
    // The first write finds it. One may be refused, and nothing that was acknowledged is gone.
    while world.try_sign_up("bob@example.com").await.is_err() {}
    world.sign_up("eve@example.com").await;
    for email in [EMAIL, "bob@example.com", "eve@example.com"] {
        world.log_in(email).await;
    }
    world.store.ping().await.expect("ready");
    // What a power cut now would leave.
    let copy = FreshDatabase::sqlite();
    let target = PathBuf::from(copy.url.strip_prefix("sqlite:").expect("a file"));
    fs::copy(&path, &target).expect("a copy");
    fs::copy(path.with_extension("db-wal"), target.with_extension("db-wal"))
        .expect("a copy of its log");
    let mut reader = SqliteConnection::connect(&copy.url).await.expect("a connection");
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
        .fetch_one(&mut reader)
        .await
        .expect("a number");
    assert_eq!(users, 3);
}

#[tokio::test]
async fn queue_before_the_writer_is_no_outage() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let held = world.store.write().await.expect("a transaction");
    tokio::time::pause();
    let error = world.store.write().await.err();
    tokio::time::resume();
    assert!(matches!(error, Some(Error::Busy { .. })), "{error:?}");
    world.store.ping().await.expect("ready all the while");
    drop(held);
    world.sign_up(EMAIL).await;
}

#[tokio::test]
async fn write_ahead_log_has_a_bound_and_shrinks_again() {
    const BOUND: u64 = 256 * 1024;
    let world = World::on(FreshDatabase::sqlite()).await;
    let store = Store::open_with_wal_bound(&world.database.url, BOUND).await.expect("a database");
    let mut other = SqliteConnection::connect(&world.database.url).await.expect("a connection");
    execute(&mut other, "BEGIN; SELECT count(*) FROM users").await;
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
    assert!(refused, "the log grew without a bound");
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    execute(&mut other, "ROLLBACK").await;
    let again = async { while store.ping().await.is_err() {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), again)
        .await
        .expect("writing works again");
    write().await.expect("written");
}

#[tokio::test]
async fn database_files_are_for_the_owner_only() {
    let world = World::on(FreshDatabase::sqlite()).await;
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
    let path = file_of(&world);
    assert_eq!(modes(&path), [0o600; 3], "made by us");
    for ending in ["", "-wal", "-shm"] {
        fs::set_permissions(format!("{}{ending}", path.display()), Permissions::from_mode(0o664))
            .expect("a mode");
    }
    let _again = Store::open(&world.database.url).await.expect("the same database");
    assert_eq!(modes(&path), [0o600; 3], "found with other permissions");
}

#[tokio::test]
async fn database_defaults_of_postgres_do_not_matter() {
    let database = FreshDatabase::postgres().await;
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
    let world = World::on(database).await;
    let issued = world.sign_up(EMAIL).await;
    assert!(crate::support::renews(&world.auth, &issued.refresh.token).await);
    world.log_in(EMAIL).await;
    world.store.ping().await.expect("ready");
}

#[tokio::test]
async fn lost_privileges_make_unready_until_granted_again() {
    let mut database = FreshDatabase::postgres().await;
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
    let world = World::on(database).await;
    let issued = world.sign_up(EMAIL).await;
    as_operator(&mut operator, format!("REVOKE UPDATE ON sessions, feed_head FROM owner_{name}"))
        .await;
    let refused = world.auth.refresh(&crate::support::client(), &issued.refresh.token).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{:?}", refused.err());
    assert!(matches!(world.store.ping().await, Err(Error::Unavailable(_))));
    as_operator(&mut operator, format!("GRANT UPDATE ON sessions, feed_head TO owner_{name}"))
        .await;
    world.store.ping().await.expect("ready again");
    assert!(crate::support::renews(&world.auth, &issued.refresh.token).await);
}

#[tokio::test]
async fn database_without_utf8_is_refused_at_start() {
    let database = FreshDatabase::postgres().await;
    let mut operator = PgConnection::connect(&database.url).await.expect("Postgres");
    let name = format!("{}_ascii", database.url.rsplit('/').next().expect("a name"));
    let sql = format!(
        "CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut operator).await.expect("a database");
    let url = format!("{}_ascii", database.url);
    assert!(
        matches!(Store::open(&url).await, Err(OpenError::Encoding(encoding)) if encoding == "SQL_ASCII")
    );
}

on_both! {
    async fn log_out_of_ended_session_writes_nothing(world: World) {
        let idle = world.sign_up(EMAIL).await;
        world.clock.advance(Span::days(90));
        let (ended, living) = (world.log_in(EMAIL).await, world.log_in(EMAIL).await);
        world
            .auth
            .log_out(&client(), Presented::Bearer(&ended.access.token))
            .await
            .expect("a log-out");
        let blocking = Blocking::on(&world).await;
        for _ in 0..20 {
            for dead in [
                Presented::Bearer(&ended.access.token),
                Presented::Cookie(&ended.refresh.token),
                Presented::Cookie(&idle.refresh.token),
            ] {
                world.auth.log_out(&client(), dead).await.expect("it is over already");
            }
            for dead in [&ended.access.token, &ended.refresh.token, &idle.refresh.token] {
                world.auth.revoke(&client(), dead).await.expect("it is over already");
            }
        }
        let leaving = tokio::spawn({
            let (auth, token) = (world.auth.clone(), living.access.token.clone());
            async move { auth.log_out(&client(), Presented::Bearer(&token)).await }
        });
        for _ in 0..20 {
            world.store.read().await.expect("a connection").feed_head().await.expect("a number");
        }
        assert!(!leaving.is_finished(), "what is not over yet is written");
        blocking.end().await;
        leaving.await.expect("a task").expect("a log-out");
        assert!(!crate::support::renews(&world.auth, &living.refresh.token).await);
    }

    async fn concurrent_transactions_commit_or_vanish_whole(world: World) {
        let before =
            world.store.read().await.expect("a connection").feed_head().await.expect("a number");
        let one = async |number: usize| {
            let mut tx = world.store.write().await.expect("a transaction");
            let news = [countersign_core::store::feed::News::KeysChanged];
            tx.feed_append(&news, crate::support::START).await.expect("a line");
            match number % 3 {
                0 => tx.commit().await.map(|()| true).expect("a commit"),
                // Rolled back in the middle of a group of others.
                1 => {
                    drop(tx);
                    false
                }
                _ => {
                    tx.feed_append(&news, crate::support::START).await.expect("a second line");
                    tx.commit().await.map(|()| true).expect("a commit")
                }
            }
        };
        let done = futures::future::join_all((0..60).map(one)).await;
        let after =
            world.store.read().await.expect("a connection").feed_head().await.expect("a number");
        assert_eq!(done.iter().filter(|done| **done).count(), 40);
        assert_eq!(after - before, 60, "20 of one line and 20 of two");
    }
}

/// A way to Postgres on which the server can vanish without a word: no byte passes any more on the
/// connections that are there, and none is closed. New ones work.
struct Network(watch::Sender<u32>);

impl Network {
    async fn before(database: &mut FreshDatabase) -> Self {
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

    fn vanish(&self) {
        self.0.send_modify(|failovers| *failovers += 1);
    }
}

#[tokio::test]
async fn server_that_vanishes_without_a_word_keeps_no_place_in_the_pool() {
    const MAX_CONNECTIONS: usize = 16;
    let mut database = FreshDatabase::postgres().await;
    let network = Network::before(&mut database).await;
    let store = Store::open(&database.url).await.expect("a database");
    let mut held = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        held.push(store.read().await.expect("a connection"));
    }
    let error = store.read().await.err();
    assert!(
        matches!(error, Some(Error::Busy { .. })),
        "all are in use, which is no outage: {error:?}"
    );
    network.vanish();
    drop(held);
    store.ping().await.expect("new connections work, and there is room for them");
}

#[tokio::test]
async fn reads_that_are_given_up_leave_no_transaction_open() {
    let mut database = FreshDatabase::postgres().await;
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
        const OPEN: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        while sqlx::query_scalar::<_, i64>(OPEN).fetch_one(&mut operator).await.expect("a number")
            > 0
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), all_are_rolled_back)
        .await
        .expect("none is left open");
}
