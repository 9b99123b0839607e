//! What a database that cannot write, that was moved away, or that another program holds means for
//! those who ask: a temporary refusal, a readiness that tells the truth, and no restart afterwards.

use crate::support::World;
use auth::{Error, Store, on_both, store::OpenError, testing::FreshDatabase};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

const EMAIL: &str = "ada@example.com";

fn file_of(world: &World) -> PathBuf {
    world.database.url.strip_prefix("sqlite:").expect("a file").into()
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
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
    tokio::time::timeout(std::time::Duration::from_secs(10), again).await.expect("writing works again");
    write().await.expect("written");
}

#[tokio::test]
async fn database_files_are_for_the_owner_only() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let modes = |path: &PathBuf| {
        let name = path.display().to_string();
        [name.clone(), format!("{name}-wal"), format!("{name}-shm")]
            .map(|file| fs::metadata(&file).unwrap_or_else(|error| panic!("{file}: {error}")).permissions().mode() & 0o777)
    };
    let path = file_of(&world);
    assert_eq!(modes(&path), [0o600; 3], "made by us");
    for ending in ["", "-wal", "-shm"] {
        fs::set_permissions(format!("{}{ending}", path.display()), Permissions::from_mode(0o664)).expect("a mode");
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
    as_operator(&mut operator, format!("CREATE ROLE owner_{name} LOGIN; ALTER DATABASE {name} OWNER TO owner_{name}")).await;
    database.url = database.url.replace("postgres@", &format!("owner_{name}@"));
    let world = World::on(database).await;
    let issued = world.sign_up(EMAIL).await;
    as_operator(&mut operator, format!("REVOKE UPDATE ON sessions, feed_head FROM owner_{name}")).await;
    let refused = world.auth.refresh(&crate::support::client(), &issued.refresh.token).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{:?}", refused.err());
    assert!(matches!(world.store.ping().await, Err(Error::Unavailable(_))));
    as_operator(&mut operator, format!("GRANT UPDATE ON sessions, feed_head TO owner_{name}")).await;
    world.store.ping().await.expect("ready again");
    assert!(crate::support::renews(&world.auth, &issued.refresh.token).await);
}

#[tokio::test]
async fn database_without_utf8_is_refused_at_start() {
    let database = FreshDatabase::postgres().await;
    let mut operator = PgConnection::connect(&database.url).await.expect("Postgres");
    let name = format!("{}_ascii", database.url.rsplit('/').next().expect("a name"));
    let sql = format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut operator).await.expect("a database");
    let url = format!("{}_ascii", database.url);
    assert!(matches!(Store::open(&url).await, Err(OpenError::Encoding(encoding)) if encoding == "SQL_ASCII"));
}

on_both! {
    async fn concurrent_transactions_commit_or_vanish_whole(world: World) {
        let before = world.store.read().await.expect("a connection").feed_head().await.expect("a number");
        let one = async |number: usize| {
            let mut tx = world.store.write().await.expect("a transaction");
            let news = [auth::store::feed::News::KeysChanged];
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
        let after = world.store.read().await.expect("a connection").feed_head().await.expect("a number");
        assert_eq!(done.iter().filter(|done| **done).count(), 40);
        assert_eq!(after - before, 60, "20 of one line and 20 of two");
    }
}
