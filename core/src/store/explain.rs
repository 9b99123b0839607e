//! Messages for a database that cannot be opened: the location, the root cause and a hint, but
//! never a password.

use crate::store::{DatabaseErrorKind, DatabaseUrl, OpenError, postgres::connect_options};
use sqlx::{Connection, PgConnection, error::DatabaseError, migrate::MigrateError};
use std::{io, time::Duration};
use tokio::time::timeout;

/// Timeout of the connection that diagnoses an empty pool.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(3);

/// Describes why `database` could not be opened, for an operator.
pub async fn explain(error: &OpenError, database: &DatabaseUrl) -> String {
    let (what, hint) = match error {
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
                "its tables were made by another build of this program (migration {number} differs)"
            ),
            "run that one",
        ),
        other => (other.to_string(), ""),
    };
    let hint = if hint.is_empty() { String::new() } else { format!("; {hint}") };
    format!("{}: {what}{hint} (DATABASE_URL)", place(database))
}

fn place(database: &DatabaseUrl) -> String {
    match database {
        DatabaseUrl::Sqlite(path) => format!("the database file {}", path.display()),
        DatabaseUrl::Postgres(_) => format!("the database {database}"),
    }
}

async fn of_driver(error: &sqlx::Error, database: &DatabaseUrl) -> (String, &'static str) {
    if let (sqlx::Error::PoolTimedOut, DatabaseUrl::Postgres(_)) = (error, database) {
        // The pool retried until its timeout and discarded the cause.
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
    let hint = DatabaseErrorKind::of(error).hint();
    match error {
        sqlx::Error::Database(error) => {
            (error.message().to_owned(), hint_at_start(&**error).unwrap_or(hint))
        }
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
            "no server answers there (connection refused)".to_owned(),
            "start it, or correct host and port",
        ),
        sqlx::Error::Io(error) => (error.to_string(), hint),
        sqlx::Error::Tls(error) => {
            (format!("TLS failed: {error}"), "check sslmode and sslrootcert")
        }
        sqlx::Error::Configuration(error) => (error.to_string(), "check the parameters"),
        other => (other.to_string(), hint),
    }
}

/// Returns a hint for errors at the start, where the cause is narrower than for any statement: by
/// SQLite result code (<https://sqlite.org/rescode.html>) or SQLSTATE (PostgreSQL, appendix A).
fn hint_at_start(error: &dyn DatabaseError) -> Option<&'static str> {
    let code = error.code().unwrap_or_default();
    let hint = match &*code {
        "26" => "name the right file, or restore a backup",
        "28P01" | "28000" => {
            "correct user and password (special characters are percent-encoded: @ is %40)"
        }
        "3D000" => "create the database first, with the encoding UTF8",
        "42501" => {
            "let its user create tables: GRANT CREATE ON SCHEMA public TO that user, \
                or make it the owner"
        }
        "57P03" => "wait until it has started",
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, testing::TestDatabase};
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
    use std::fs;
    use tempfile::TempDir;
    use tokio::net::TcpListener;

    async fn open_error_message(url: &str) -> String {
        let database: DatabaseUrl = url.parse().expect("an address");
        let error = Store::open(&database.expose())
            .await
            .err()
            .unwrap_or_else(|| panic!("{url} is opened"));
        explain(&error, &database).await
    }

    #[tokio::test]
    async fn sqlite_open_error_names_file_cause_and_hint_once() {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("x.db");
        fs::write(&file, "no database at all, but long enough to be taken for one")
            .expect("a file");
        let message = open_error_message(&format!("sqlite:{}", file.display())).await;
        assert!(
            message.contains("x.db: file is not a database; name the right file")
                && message.matches("not a database").count() == 1,
            "{message}"
        );

        let message = open_error_message(&format!("sqlite:{}", folder.path().display())).await;
        assert!(message.contains("unable to open database file"), "{message}");

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
        let message = explain(&OpenError::Connect(error), &database).await;
        assert!(
            message.contains(
                "y.db: attempt to write a readonly database; \
            make the database file and its folder writable"
            ),
            "{message}"
        );

        let mut connection = SqliteConnectOptions::new()
            .filename(folder.path().join("y.db"))
            .connect()
            .await
            .expect("a connection");
        sqlx::query("UPDATE csgn_migrations SET version = 9999 WHERE version = 1")
            .execute(&mut connection)
            .await
            .expect("changed");
        let message = open_error_message(&database.expose()).await;
        assert!(message.contains("y.db: its tables were made by a newer version"), "{message}");
    }

    #[tokio::test]
    async fn postgres_open_error_names_host_cause_and_hint_once() {
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .and_then(|socket| socket.local_addr())
            .expect("a port")
            .port();
        let message =
            open_error_message(&format!("postgres://ann:hunter2@127.0.0.1:{port}/countersign"))
                .await;
        assert!(
            message.contains(&format!(
                "@127.0.0.1:{port}/countersign: no server answers there (connection refused); \
                    start it"
            )),
            "{message}"
        );
        assert!(!message.contains("hunter2") && !message.contains("pool"), "{message}");

        let fresh = TestDatabase::postgres().await;
        let (server, name) = fresh.url.rsplit_once('/').expect("a name");
        let message = open_error_message(&format!("{server}/no_such_database")).await;
        assert!(
            message.contains("does not exist; create the database first")
                && message.matches("does not exist").count() == 1,
            "{message}"
        );

        let mut connection = PgConnection::connect(&fresh.url).await.expect("a connection");
        let role = format!("reader_{name}");
        for sql in [
            format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'"),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        ] {
            // The names are generated here.
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("done");
        }
        let mut url = url::Url::parse(&fresh.url).expect("an address");
        url.set_username(&role).expect("a name");
        url.set_password(Some("hunter2")).expect("a password");
        let message = open_error_message(url.as_str()).await;
        assert!(
            message.contains("permission denied for schema public; let its user create tables"),
            "{message}"
        );
        assert!(
            message.matches("permission denied").count() == 1
                && !message.contains("hunter2")
                && !message.contains("at line"),
            "{message}"
        );
    }
}
