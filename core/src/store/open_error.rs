//! Messages for a database that cannot be opened: the place, the first cause once, and the cure.
//! Never a password.

use super::{DatabaseUrl, Fault, OpenError, postgres::connect_options};
use sqlx::{Connection, PgConnection, error::DatabaseError, migrate::MigrateError};
use std::{io, time::Duration};
use tokio::time::timeout;

/// Time for the one connection that finds out why a pool got none.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(3);

/// Describes why `database` could not be opened, for an operator.
pub async fn explain(error: &OpenError, database: &DatabaseUrl) -> String {
    let (what, cure) = match error {
        OpenError::Connect(cause)
        | OpenError::Migrate(
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _),
        ) => of_driver(cause, database).await,
        OpenError::Migrate(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => (
            "its tables were made by a newer version of this program".to_owned(),
            "run that version, or restore a backup from before the update",
        ),
        OpenError::Migrate(MigrateError::VersionMismatch(number)) => (
            format!(
                "its tables were made by another edition of this program (migration {number} differs)"
            ),
            "run that one",
        ),
        other => (other.to_string(), ""),
    };
    let cure = if cure.is_empty() { String::new() } else { format!("; {cure}") };
    format!("{}: {what}{cure} (DATABASE_URL)", place(database))
}

fn place(database: &DatabaseUrl) -> String {
    match database {
        DatabaseUrl::Sqlite(path) => format!("the database file {}", path.display()),
        DatabaseUrl::Postgres(_) => format!("the database {database}"),
    }
}

async fn of_driver(error: &sqlx::Error, database: &DatabaseUrl) -> (String, &'static str) {
    if let (sqlx::Error::PoolTimedOut, DatabaseUrl::Postgres(_)) = (error, database) {
        // The pool has tried again and again, and forgotten why it failed.
        let once =
            async { PgConnection::connect_with(&connect_options(&database.expose())?).await };
        return match timeout(DIAGNOSIS_TIMEOUT, once).await {
            Ok(Err(first)) => of_one_try(&first),
            Ok(Ok(_)) => (
                "it has no free connection".to_owned(),
                "raise its max_connections, or stop other clients",
            ),
            Err(_) => ("it does not answer".to_owned(), "check host, port and firewalls"),
        };
    }
    of_one_try(error)
}

fn of_one_try(error: &sqlx::Error) -> (String, &'static str) {
    let cure = Fault::of(error).cure();
    match error {
        sqlx::Error::Database(error) => {
            (error.message().to_owned(), cure_at_start(&**error).unwrap_or(cure))
        }
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
            "no server answers there (connection refused)".to_owned(),
            "start it, or correct host and port",
        ),
        sqlx::Error::Io(error) => (error.to_string(), cure),
        sqlx::Error::Tls(error) => {
            (format!("TLS failed: {error}"), "check sslmode and sslrootcert")
        }
        sqlx::Error::Configuration(error) => (error.to_string(), "check the parameters"),
        other => (other.to_string(), cure),
    }
}

/// What helps at the start, where more is known than of any statement: by the result code of SQLite
/// (<https://sqlite.org/rescode.html>) or the SQLSTATE (PostgreSQL, appendix A).
fn cure_at_start(error: &dyn DatabaseError) -> Option<&'static str> {
    let code = error.code().unwrap_or_default();
    let cure = match &*code {
        "26" => "name the right file, or restore a backup",
        "28P01" | "28000" => {
            "correct user and password (special characters are percent-encoded: @ is %40)"
        }
        "3D000" => "create the database first, with the encoding UTF8",
        "42501" => {
            "let its user create tables: GRANT CREATE ON SCHEMA public TO that user, or make it the owner"
        }
        "57P03" => "wait until it has started",
        _ => return None,
    };
    Some(cure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, testing::FreshDatabase};
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
    use std::fs;
    use tempfile::TempDir;
    use tokio::net::TcpListener;

    async fn refusal(url: &str) -> String {
        let database: DatabaseUrl = url.parse().expect("an address");
        let error = Store::open(&database.expose())
            .await
            .err()
            .unwrap_or_else(|| panic!("{url} is opened"));
        explain(&error, &database).await
    }

    #[tokio::test]
    async fn sqlite_errors_name_file_cause_and_cure_once() {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("x.db");
        fs::write(&file, "no database at all, but long enough to be taken for one")
            .expect("a file");
        let said = refusal(&format!("sqlite:{}", file.display())).await;
        assert!(
            said.contains("x.db: file is not a database; name the right file")
                && said.matches("not a database").count() == 1,
            "{said}"
        );

        let said = refusal(&format!("sqlite:{}", folder.path().display())).await;
        assert!(said.contains("unable to open database file"), "{said}");

        let database = DatabaseUrl::Sqlite(folder.path().join("y.db"));
        Store::open(&database.expose()).await.expect("a database").close().await;
        let mut connection = SqliteConnectOptions::new()
            .filename(folder.path().join("y.db"))
            .read_only(true)
            .connect()
            .await
            .expect("a connection");
        let error = sqlx::query("CREATE TABLE t (a)")
            .execute(&mut connection)
            .await
            .expect_err("read-only");
        let said = explain(&OpenError::Connect(error), &database).await;
        assert!(said.contains("y.db: attempt to write a readonly database; make the database file and its folder writable"), "{said}");

        let mut connection = SqliteConnectOptions::new()
            .filename(folder.path().join("y.db"))
            .connect()
            .await
            .expect("a connection");
        sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1")
            .execute(&mut connection)
            .await
            .expect("changed");
        let said = refusal(&database.expose()).await;
        assert!(said.contains("y.db: its tables were made by a newer version"), "{said}");
    }

    #[tokio::test]
    async fn postgres_errors_name_host_cause_and_cure_once() {
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .and_then(|socket| socket.local_addr())
            .expect("a port")
            .port();
        let said = refusal(&format!("postgres://ann:hunter2@127.0.0.1:{port}/countersign")).await;
        assert!(
            said.contains(&format!(
                "@127.0.0.1:{port}/countersign: no server answers there (connection refused); start it"
            )),
            "{said}"
        );
        assert!(!said.contains("hunter2") && !said.contains("pool"), "{said}");

        let fresh = FreshDatabase::postgres().await;
        let (server, name) = fresh.url.rsplit_once('/').expect("a name");
        let said = refusal(&format!("{server}/no_such_database")).await;
        assert!(
            said.contains("does not exist; create the database first")
                && said.matches("does not exist").count() == 1,
            "{said}"
        );

        let mut connection = PgConnection::connect(&fresh.url).await.expect("a connection");
        let role = format!("reader_{name}");
        for sql in [
            format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'"),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        ] {
            // Names of our own making.
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("done");
        }
        let mut url = url::Url::parse(&fresh.url).expect("an address");
        url.set_username(&role).expect("a name");
        url.set_password(Some("hunter2")).expect("a password");
        let said = refusal(url.as_str()).await;
        assert!(
            said.contains("permission denied for schema public; let its user create tables"),
            "{said}"
        );
        assert!(
            said.matches("permission denied").count() == 1
                && !said.contains("hunter2")
                && !said.contains("at line"),
            "{said}"
        );
    }
}
