//! `countersign demo`: its accounts, their past, the bar on its pages, and its files.

use crate::{
    process::{WAIT_TIMEOUT, free_port, send_request, server_command, wait_until_ready},
    support::App,
};
use countersign_core::test_on_each_database;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

const BAR: &str = "This is a demonstration. Its data is deleted when the server stops.";

/// A running demonstration.
struct Demo {
    process: Child,
    port: u16,
    folder: TempDir,
    temporary: TempDir,
    /// Email addresses and passwords, as printed.
    log_ins: Vec<(String, String)>,
}

impl Demo {
    async fn start() -> Self {
        let (folder, temporary) = (temp_dir(), temp_dir());
        let port = free_port().await;
        let mut process = server_command(folder.path(), port)
            .arg("demo")
            .env("TMPDIR", temporary.path())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let read = async {
            let mut log_ins = Vec::new();
            while let Some(line) = lines.next_line().await.expect("text") {
                let mut words = line.split_whitespace();
                match (words.next(), words.next()) {
                    (Some(email), Some(password)) if email.ends_with("@example.com") => {
                        log_ins.push((email.to_owned(), password.to_owned()));
                    }
                    _ if line.contains("Ctrl+C") => break,
                    _ => {}
                }
            }
            log_ins
        };
        let log_ins = timeout(WAIT_TIMEOUT, read).await.expect("in time");
        wait_until_ready(port).await;
        Self { process, port, folder, temporary, log_ins }
    }

    /// Logs in, and returns the response.
    async fn log_in(&self, (email, password): &(String, String)) -> Value {
        let body = json!({ "email": email, "password": password });
        let (status, tokens) = send_request(self.port, "POST", "/api/v1/auth/login", "", &body)
            .await
            .expect("a response");
        assert_eq!(status, 200, "{email}: {tokens}");
        tokens
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        let (status, body) =
            send_request(self.port, "GET", path, token, &Value::Null).await.expect("a response");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Returns a response as a browser gets it.
    async fn page(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\
             connection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        socket.read_to_end(&mut response).await.expect("a response");
        String::from_utf8_lossy(&response).into_owned()
    }
}

fn temp_dir() -> TempDir {
    TempDir::new().expect("a folder")
}

fn count_entries(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().expect("a list")
}

#[tokio::test]
async fn demo_user_has_devices_and_a_month_of_activity() {
    let demo = Demo::start().await;
    let tokens = demo.log_in(&demo.log_ins[0]).await;
    let token = tokens["access_token"].as_str().expect("a token");
    let activity = demo.get("/api/v1/me/activity?limit=100", token).await;
    let events = items(&activity);
    let days: BTreeSet<_> =
        events.iter().map(|event| &event["at"].as_str().expect("a time")[..10]).collect();
    assert!(days.len() >= 10, "{days:?}");
    for kind in [
        "signed_up",
        "logged_in",
        "log_in_failed",
        "session_replaced",
        "logged_out",
        "name_changed",
        "password_change_failed",
        "password_changed",
        "session_revoked",
        "other_sessions_revoked",
        "refresh_token_reused",
        "deletion_password_failed",
        "deletion_requested",
        "deletion_cancelled",
    ] {
        assert!(events.iter().any(|event| event["kind"] == kind), "{kind}: {activity}");
    }
    let sessions = demo.get("/api/v1/me/sessions", token).await;
    let devices: BTreeSet<_> =
        items(&sessions).iter().filter_map(|session| session["device"].as_str()).collect();
    assert!(devices.len() >= 4, "{devices:?}");
}

#[tokio::test]
async fn demo_has_an_administrator_and_a_user_who_is_leaving() {
    let demo = Demo::start().await;
    assert_eq!(demo.log_ins.len(), 3);
    let admin = demo.log_in(&demo.log_ins[1]).await;
    assert_eq!(admin["user"]["roles"], json!(["user", "admin"]));
    let leaving = demo.log_in(&demo.log_ins[2]).await;
    assert!(leaving["user"]["deletion_scheduled_at"].is_string(), "{leaving}");
    let passwords: BTreeSet<_> = demo.log_ins.iter().map(|(_, password)| password).collect();
    assert_eq!(passwords.len(), 3, "the passwords are distinct");
}

#[tokio::test]
async fn every_page_of_a_demo_says_so() {
    let demo = Demo::start().await;
    for path in ["/", "/login", "/signup", "/nowhere", "/fn/nothing"] {
        let page = demo.page(path).await;
        assert_eq!(page.matches(BAR).count(), 1, "{path}: {page}");
    }
}

#[tokio::test]
async fn stopped_demo_leaves_no_files() {
    let mut demo = Demo::start().await;
    assert_eq!(count_entries(demo.temporary.path()), 1, "the directory of the database");
    let id = demo.process.id().expect("a process").to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.expect("kill").success());
    let status = timeout(WAIT_TIMEOUT, demo.process.wait()).await.expect("in time");
    assert!(status.expect("a status").success());
    assert_eq!(count_entries(demo.temporary.path()), 0);
    assert_eq!(count_entries(demo.folder.path()), 0, "nothing in the working directory");
}

#[tokio::test]
async fn demo_with_a_database_url_is_refused() {
    for (environment, file) in [("sqlite:data/countersign.db", ""), ("", "sqlite:accounts.db")] {
        let folder = temp_dir();
        if !file.is_empty() {
            let text = format!("DATABASE_URL={file}\n");
            fs::write(folder.path().join(".env"), text).expect("a file");
        }
        let mut program = server_command(folder.path(), 0);
        program.arg("demo").env("DATABASE_URL", environment).stderr(Stdio::piped());
        let output =
            timeout(WAIT_TIMEOUT, program.output()).await.expect("in time").expect("a process");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains("DATABASE_URL") && message.contains("must not be set"),
            "{message}"
        );
        assert_eq!(count_entries(folder.path()), usize::from(!file.is_empty()));
    }
}

test_on_each_database! {
    async fn pages_of_an_ordinary_server_have_no_demo_bar(app: App) {
        for path in ["/", "/login", "/nowhere", "/fn/nothing"] {
            let page = app.anon().with("accept", "text/html").get(path).await.text;
            assert!(page.contains("<body") && !page.contains("demo"), "{path}: {page}");
        }
    }
}
