//! The server dies between the commit and the answer, and is started again. Whoever asked asks again, and nobody is worse off.
//!
//! Real processes of `examples/mortal.rs`, which Cargo builds with the tests.

use auth::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
use serde_json::{Value, json};
use std::{fmt::Write, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

/// A start or a death that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What outlives a process.
struct Data {
    database: FreshDatabase,
    folder: tempfile::TempDir,
    secret: String,
    port: u16,
}

struct Process(Child);

impl Data {
    async fn on(database: FreshDatabase) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port").port();
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        Self { database, folder: tempfile::tempdir().expect("a folder"), secret, port }
    }

    async fn start(&self) -> Process {
        // Beside `deps`, where this test is.
        let mut program = std::env::current_exe().expect("a path");
        program.pop();
        program.pop();
        let program: PathBuf = program.join("examples/mortal");
        assert!(program.is_file(), "{} is missing: `cargo test` without --test builds it", program.display());
        let child = Command::new(program)
            .env_clear()
            .current_dir(self.folder.path())
            .envs([
                ("PATH", "/usr/bin:/bin"),
                ("DATABASE_URL", &self.database.url),
                ("LATCHKEY_SECRET", &self.secret),
                ("LEPTOS_SITE_ADDR", &format!("127.0.0.1:{}", self.port)),
                ("LATCHKEY_ARGON2", "m=64,t=1,p=1"),
                ("LATCHKEY_RATE_LIMITS", "off"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let up = async { while self.ask("GET", "/healthz", "", &Value::Null).await.is_none() {} };
        timeout(PATIENCE, up).await.expect("it answers");
        Process(child)
    }

    /// `None`: there was no answer.
    async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> Option<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n", self.port);
        if !token.is_empty() {
            write!(request, "authorization: Bearer {token}\r\n").expect("written");
        }
        if !body.is_empty() {
            request += "content-type: application/json\r\n";
        }
        write!(request, "content-length: {}\r\n\r\n{body}", body.len()).expect("written");
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.get(9..12)?.parse().ok()?, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    async fn renew(&self, token: &str) -> Option<(u16, Value)> {
        self.ask("POST", "/api/v1/auth/refresh", "", &json!({ "refresh_token": token })).await
    }

    async fn sign_up(&self) -> (String, String) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) = self.ask("POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
        assert_eq!(status, 201, "{tokens}");
        (text(&tokens, "access_token"), text(&tokens, "refresh_token"))
    }
}

impl Process {
    /// It will die when a request comes to that moment.
    async fn is_to_die_when(&mut self, moment: &str) {
        let stdin = self.0.stdin.as_mut().expect("a pipe");
        stdin.write_all(format!("{moment}\n").as_bytes()).await.expect("heard");
        stdin.flush().await.expect("heard");
        let mut heard = vec![0; moment.len() + 1];
        self.0.stdout.as_mut().expect("a pipe").read_exact(&mut heard).await.expect("an answer");
    }

    async fn dies(mut self) {
        let status = timeout(PATIENCE, self.0.wait()).await.expect("it died").expect("a status");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "as by kill -9");
    }
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().expect("a text").to_owned()
}

on_both! {
    async fn a_renewal_that_was_committed_and_never_answered_is_given_again(data: Data) {
        let mut server = data.start().await;
        let (_, first) = data.sign_up().await;
        server.is_to_die_when("renewed").await;
        assert_eq!(data.renew(&first).await, None, "no answer");
        server.dies().await;

        let _server = data.start().await;
        let (status, tokens) = data.renew(&first).await.expect("an answer");
        assert_eq!(status, 200, "{tokens}");
        let (access, next) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        assert_ne!(next, first);
        assert_eq!(text(&data.renew(&first).await.expect("an answer").1, "refresh_token"), next, "another tab gets the same one");
        assert_eq!(data.ask("GET", "/api/v1/me", &access, &Value::Null).await.expect("an answer").0, 200);
        assert_eq!(data.renew(&next).await.expect("an answer").0, 200, "and it goes on");
        let activity = data.ask("GET", "/api/v1/me/activity", &access, &Value::Null).await.expect("an answer").1;
        assert_eq!(activity["items"].as_array().expect("a list").len(), 1, "nothing has happened but the sign-up: {activity}");
    }

    async fn a_log_out_that_was_committed_and_never_answered_has_happened(data: Data) {
        let mut server = data.start().await;
        let (access, refresh) = data.sign_up().await;
        assert_eq!(data.ask("GET", "/api/v1/me", &access, &Value::Null).await.expect("an answer").0, 200);
        server.is_to_die_when("ended").await;
        assert_eq!(data.ask("POST", "/api/v1/auth/logout", &access, &Value::Null).await, None, "no answer");
        server.dies().await;

        let _server = data.start().await;
        assert_eq!(data.ask("GET", "/api/v1/me", &access, &Value::Null).await.expect("an answer").0, 401);
        assert_eq!(data.renew(&refresh).await.expect("an answer").0, 401);
    }
}
