//! The commands `backup` and `restore` of the real program: backups of a running server, restored
//! elsewhere, and refused where data would be lost.

use crate::process::{WAIT_TIMEOUT, free_port, send_request, server_command, wait_until_ready};
use countersign_core::testing::TestDatabase;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

const PASSWORD: &str = "correct horse battery";

fn temp_dir() -> TempDir {
    TempDir::new().expect("a folder")
}

async fn start(folder: &Path) -> (Child, u16) {
    let port = free_port().await;
    let child = server_command(folder, port).env("RUST_LOG", "warn").spawn().expect("a process");
    wait_until_ready(port).await;
    (child, port)
}

/// Stops a server with SIGTERM.
async fn stop(mut child: Child) {
    let id = child.id().expect("a process").to_string();
    Command::new("kill").arg(&id).status().await.expect("kill");
    let status = timeout(WAIT_TIMEOUT, child.wait()).await.expect("in time").expect("a status");
    assert!(status.success(), "{status}");
}

async fn output(folder: &Path, arguments: &[&str]) -> Output {
    server_command(folder, 0)
        .args(arguments)
        .stderr(Stdio::piped())
        .output()
        .await
        .expect("a process")
}

/// Runs a command that must succeed, and returns its standard output.
async fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = output(folder, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command that must fail, and returns its standard error.
async fn run_failing(folder: &Path, arguments: &[&str]) -> String {
    let output = output(folder, arguments).await;
    assert_eq!(
        output.status.code(),
        Some(1),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(output.stdout.is_empty(), "a failed command prints no result");
    String::from_utf8(output.stderr).expect("text")
}

async fn sign_up(port: u16, email: &str) -> Option<u16> {
    let body = json!({ "email": email, "password": PASSWORD });
    send_request(port, "POST", "/api/v1/auth/signup", "", &body).await.map(|(status, _)| status)
}

async fn log_in(port: u16, email: &str) -> u16 {
    let body = json!({ "email": email, "password": PASSWORD });
    send_request(port, "POST", "/api/v1/auth/login", "", &body).await.expect("a response").0
}

/// A folder in which a server has run, with a database of one account.
async fn folder_with_account(email: &str) -> TempDir {
    let folder = temp_dir();
    let (server, port) = start(folder.path()).await;
    assert_eq!(sign_up(port, email).await, Some(201));
    stop(server).await;
    folder
}

fn file_names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

fn copy_secret(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("data")).expect("a folder");
    fs::copy(from.join("data/secret"), to.join("data/secret")).expect("a secret");
}

async fn open_database(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.expect("a database")
}

#[tokio::test]
async fn backup_of_busy_server_has_every_acknowledged_sign_up() {
    let (first, second) = (temp_dir(), temp_dir());
    let (server, port) = start(first.path()).await;
    let (acknowledged, is_done) =
        (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (acknowledged, is_done) = (acknowledged.clone(), is_done.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    let email = format!("user{client}-{number}@example.com");
                    if sign_up(port, &email).await == Some(201) {
                        acknowledged.lock().expect("a list").push(email);
                    }
                }
            })
        })
        .collect();
    let count = || acknowledged.lock().expect("a list").len();
    timeout(WAIT_TIMEOUT, async {
        while count() < 60 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("sign-ups");

    let mut backups = Vec::new();
    for number in 0..3 {
        let before = acknowledged.lock().expect("a list").clone();
        let name = format!("copy{number}.db");
        let report: Value =
            serde_json::from_str(&run(first.path(), &["backup", &name, "--json"]).await)
                .expect("JSON");
        let file = first.path().join(&name);
        let size = fs::metadata(&file).expect("a file");
        assert_eq!(
            (size.permissions().mode() & 0o777, size.len()),
            (0o600, report["bytes"].as_u64().expect("a number"))
        );
        assert!(
            report["users"].as_u64().expect("a number") >= before.len() as u64
                && report["secret_file"] == "data/secret",
            "{report}"
        );
        backups.push((name, before));
    }
    is_done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("a client");
    }
    assert!(count() > backups[0].1.len(), "sign-ups went on meanwhile");
    stop(server).await;
    assert!(
        file_names(first.path()).iter().all(|name| name == "data" || name.starts_with("copy")),
        "no temporary file is left: {:?}",
        file_names(first.path())
    );

    copy_secret(first.path(), second.path());
    for (name, before) in backups {
        let file = first.path().join(&name);
        let _ = fs::remove_file(second.path().join("data/countersign.db"));
        run(second.path(), &["restore", &file.display().to_string()]).await;
        assert_eq!(
            fs::metadata(second.path().join("data/countersign.db"))
                .expect("a file")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        let mut connection = open_database(&second.path().join("data/countersign.db")).await;
        let restored: Vec<String> = sqlx::query_scalar("SELECT email FROM csgn_users")
            .fetch_all(&mut connection)
            .await
            .expect("users");
        connection.close().await.expect("closed");
        assert!(
            before.iter().all(|email| restored.contains(email)),
            "{name}: {} of {}",
            restored.len(),
            before.len()
        );
        let (server, port) = start(second.path()).await;
        for email in [before.first(), before.last()].into_iter().flatten() {
            assert_eq!(log_in(port, email).await, 200, "{name}: {email}");
        }
        stop(server).await;
    }
}

#[tokio::test]
async fn backup_never_overwrites_a_file() {
    let folder = folder_with_account("ada@example.com").await;
    for target in ["notes.txt", "data/countersign.db", "data/secret"] {
        if !folder.path().join(target).exists() {
            fs::write(folder.path().join(target), "existing").expect("a file");
        }
        let before = fs::read(folder.path().join(target)).expect("a file");
        let stderr = run_failing(folder.path(), &["backup", target]).await;
        assert!(stderr.contains(target) && stderr.contains("exists already"), "{stderr}");
        assert_eq!(fs::read(folder.path().join(target)).expect("a file"), before, "{target}");
    }
    let stderr = run_failing(folder.path(), &["backup", "no/such/folder.db"]).await;
    assert!(stderr.contains("no/such/folder.db cannot be written: No such file"), "{stderr}");
}

#[tokio::test]
async fn backup_without_database_creates_no_file() {
    let folder = temp_dir();
    let stderr = run_failing(folder.path(), &["backup", "copy.db"]).await;
    assert!(stderr.contains("data/countersign.db does not exist"), "{stderr}");
    assert!(file_names(folder.path()).is_empty(), "{:?}", file_names(folder.path()));
    fs::create_dir(folder.path().join("data")).expect("a folder");
    fs::write(
        folder.path().join("data/countersign.db"),
        "no database at all, but long enough to be taken for one",
    )
    .expect("a file");
    let stderr = run_failing(folder.path(), &["backup", "copy.db"]).await;
    assert!(
        stderr.contains("data/countersign.db cannot be opened as a SQLite database")
            && stderr.matches("not a database").count() == 1,
        "{stderr}"
    );
    assert_eq!(file_names(folder.path()), ["data"]);
}

#[tokio::test]
async fn restore_with_running_server_is_refused() {
    let folder = folder_with_account("ada@example.com").await;
    run(folder.path(), &["backup", "copy.db"]).await;
    let (server, port) = start(folder.path()).await;
    for arguments in [&["restore", "copy.db"][..], &["restore", "copy.db", "--force"]] {
        let stderr = run_failing(folder.path(), arguments).await;
        assert!(stderr.contains("data/countersign.db is in use"), "{stderr}");
    }
    assert_eq!(
        (sign_up(port, "bob@example.com").await, log_in(port, "ada@example.com").await),
        (Some(201), 200),
        "the server keeps running"
    );
    stop(server).await;
}

#[tokio::test]
async fn restore_over_accounts_needs_force_and_keeps_them() {
    let folder = folder_with_account("ada@example.com").await;
    run(folder.path(), &["backup", "copy.db"]).await;
    let (server, port) = start(folder.path()).await;
    assert_eq!(sign_up(port, "bob@example.com").await, Some(201));
    stop(server).await;
    let stderr = run_failing(folder.path(), &["restore", "copy.db"]).await;
    assert!(
        stderr.contains("data/countersign.db has 2 accounts") && stderr.contains("--force"),
        "{stderr}"
    );
    let report: Value = serde_json::from_str(
        &run(folder.path(), &["restore", "copy.db", "--force", "--json"]).await,
    )
    .expect("JSON");
    let kept = folder.path().join(report["kept"].as_str().expect("a name"));
    let mut connection = open_database(&kept).await;
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM csgn_users")
        .fetch_one(&mut connection)
        .await
        .expect("a number");
    assert_eq!((users, &report["users"]), (2, &json!(1)));
    connection.close().await.expect("closed");
    let (server, port) = start(folder.path()).await;
    assert_eq!(
        (log_in(port, "ada@example.com").await, log_in(port, "bob@example.com").await),
        (200, 401)
    );
    stop(server).await;
}

#[tokio::test]
async fn restore_after_crash_removes_the_write_ahead_log() {
    let folder = folder_with_account("ada@example.com").await;
    run(folder.path(), &["backup", "copy.db"]).await;
    let (mut server, port) = start(folder.path()).await;
    assert_eq!(sign_up(port, "bob@example.com").await, Some(201));
    server.kill().await.expect("killed");
    assert!(
        file_names(&folder.path().join("data")).iter().any(|name| name == "countersign.db-wal"),
        "a crash leaves a write-ahead log"
    );
    // The database file is lost, but its write-ahead log remains.
    fs::remove_file(folder.path().join("data/countersign.db")).expect("removed");
    run(folder.path(), &["restore", "copy.db"]).await;
    let (server, port) = start(folder.path()).await;
    assert_eq!(
        (log_in(port, "ada@example.com").await, log_in(port, "bob@example.com").await),
        (200, 401)
    );
    stop(server).await;
}

#[tokio::test]
async fn restore_of_invalid_file_changes_nothing() {
    let (folder, other) = (
        folder_with_account("ada@example.com").await,
        folder_with_account("eve@example.com").await,
    );
    run(folder.path(), &["backup", "copy.db"]).await;
    run(other.path(), &["backup", "other.db"]).await;
    let at = |name: &str| folder.path().join(name);
    fs::rename(other.path().join("other.db"), at("other.db")).expect("moved");
    fs::write(at("text.db"), "no database at all, but long enough to be taken for one")
        .expect("a file");
    fs::write(at("empty.db"), "").expect("a file");
    let mut damaged = fs::read(at("copy.db")).expect("a file");
    for byte in damaged.iter_mut().skip(4096 * 3).step_by(7).take(20_000) {
        *byte ^= 0x5a;
    }
    fs::write(at("damaged.db"), damaged).expect("a file");
    fs::copy(at("copy.db"), at("newer.db")).expect("a file");
    let mut newer = open_database(&at("newer.db")).await;
    sqlx::query(
        "UPDATE csgn_migrations SET version = 9999 \
         WHERE version = (SELECT MAX(version) FROM csgn_migrations)",
    )
    .execute(&mut newer)
    .await
    .expect("changed");
    newer.close().await.expect("closed");

    let before = fs::read(at("data/countersign.db")).expect("a file");
    for (file, reason) in [
        ("other.db", "other.db belongs to another server secret"),
        ("text.db", "text.db cannot be opened as a SQLite database"),
        ("empty.db", "empty.db has no accounts tables"),
        ("damaged.db", "damaged.db"),
        ("newer.db", "newer.db was made by a newer version"),
        ("missing.db", "missing.db does not exist"),
    ] {
        let stderr = run_failing(folder.path(), &["restore", file, "--force"]).await;
        assert!(stderr.contains(reason), "{file}: {stderr}");
        assert!(fs::read(at("data/countersign.db")).expect("a file") == before, "{file}");
        assert_eq!(file_names(&at("data")), ["countersign.db", "secret"], "{file}");
    }
}

#[tokio::test]
async fn restore_without_secret_names_its_expected_path() {
    let (folder, elsewhere) = (folder_with_account("ada@example.com").await, temp_dir());
    run(folder.path(), &["backup", "copy.db"]).await;
    let copy = folder.path().join("copy.db").display().to_string();
    let stderr = run_failing(elsewhere.path(), &["restore", &copy]).await;
    assert!(stderr.contains("data/secret"), "{stderr}");
    assert!(file_names(elsewhere.path()).is_empty(), "{:?}", file_names(elsewhere.path()));
}

#[tokio::test]
async fn new_database_with_existing_secret_logs_a_warning() {
    let folder = folder_with_account("ada@example.com").await;
    // A copy without the write-ahead log, or a volume that was not mounted, leads to this state.
    for lost in [true, false] {
        if lost {
            fs::remove_file(folder.path().join("data/countersign.db")).expect("removed");
        }
        let port = free_port().await;
        let child =
            server_command(folder.path(), port).stderr(Stdio::piped()).spawn().expect("a process");
        wait_until_ready(port).await;
        let id = child.id().expect("a process").to_string();
        Command::new("kill").arg(&id).status().await.expect("kill");
        let output = timeout(WAIT_TIMEOUT, child.wait_with_output())
            .await
            .expect("in time")
            .expect("output");
        let (log, stderr) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        assert_eq!(log.contains("new database, older server secret"), lost, "{log}");
        assert_eq!(
            stderr.contains("the server secret in data/secret already existed"),
            lost,
            "{stderr}"
        );
    }
}

#[tokio::test]
async fn backup_of_postgres_prints_the_pg_dump_command() {
    let (database, folder) = (TestDatabase::postgres().await, temp_dir());
    let run = async |arguments: &[&str]| {
        let mut command = server_command(folder.path(), 0);
        command.env("DATABASE_URL", &database.url).args(arguments).stderr(Stdio::piped());
        command.output().await.expect("a process")
    };
    assert!(run(&["user", "list"]).await.status.success(), "a database with tables");
    for (arguments, tool) in [
        (&["backup", "copy of it.dump"][..], "pg_dump "),
        (&["restore", "copy of it.dump"], "pg_restore "),
    ] {
        let output = run(arguments).await;
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).expect("text");
        let line = stderr
            .lines()
            .find(|line| line.starts_with(tool))
            .unwrap_or_else(|| panic!("{stderr}"));
        let password = database
            .url
            .split_once("://")
            .and_then(|(_, rest)| rest.rsplit_once('@'))
            .and_then(|(user, _)| user.split_once(':'))
            .map(|(_, password)| password);
        assert!(
            password.is_none_or(|password| password.is_empty() || !stderr.contains(password)),
            "{stderr}"
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(line).current_dir(folder.path());
        if let Some(password) = password {
            shell.env("PGPASSWORD", password);
        }
        let output = shell.output().await.expect("a shell");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(fs::read(folder.path().join("copy of it.dump")).expect("a file").starts_with(b"PGDMP"));
}
