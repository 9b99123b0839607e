//! For tests, here and in the crates above: a fresh database of each kind, and a macro that runs a test on both.
//!
//! Real ones. SQLite is a file in a temporary folder; Postgres is a new database on the server that `TEST_POSTGRES_URL` names, which
//! `script/test` starts. Without it the tests fail: nothing is skipped silently.

use sqlx::{Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// A database that nobody has used yet.
pub struct FreshDatabase {
    /// For [`crate::Store::open`].
    pub url: String,
    _folder: Option<TempDir>,
}

impl FreshDatabase {
    /// A file in a temporary folder.
    ///
    /// # Panics
    /// Where there is no room for one.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { url: format!("sqlite:{}/test.db", folder.path().display()), _folder: Some(folder) }
    }

    /// A database on the test server, which is thrown away as a whole.
    ///
    /// # Panics
    /// Without a test server.
    pub async fn postgres() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(clippy::disallowed_methods, reason = "tests are told by the environment where Postgres is")]
        let server = std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL says where Postgres is; `script/postgres COMMAND` starts one and sets it");
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server).await.expect("Postgres");
        // A name of our own making; a placeholder cannot stand for a database.
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("a database");
        let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
        Self { url: format!("{base}/{name}"), _folder: None }
    }
}

/// Declares tests that run on both databases. Each gets a world, of a type with `async fn on(FreshDatabase) -> Self`.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: $World:ident) $body:block)*) => {$(
        $(#[$meta])*
        async fn $name($world: $World) $body

        mod $name {
            use super::$World;
            use $crate::testing::FreshDatabase;

            #[tokio::test]
            async fn sqlite() {
                super::$name($World::on(FreshDatabase::sqlite()).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name($World::on(FreshDatabase::postgres().await).await).await;
            }
        }
    )*};
}
