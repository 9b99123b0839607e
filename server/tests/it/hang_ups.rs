//! Clients that hang up while a page is made for them. Nothing of ours trips over it.

use auth::{on_both, testing::FreshDatabase};
use serde_json::json;
use std::{process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

struct Program {
    process: Child,
    port: u16,
    _data: (FreshDatabase, TempDir),
}

impl Program {
    async fn on(database: FreshDatabase) -> Self {
        let folder = TempDir::new().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port").port();
        let process = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .env_clear()
            .current_dir(folder.path())
            .envs([
                ("PATH", "/usr/bin:/bin"),
                ("DATABASE_URL", &database.url),
                ("LEPTOS_SITE_ADDR", &format!("127.0.0.1:{port}")),
                ("LATCHKEY_ARGON2", "m=64,t=1,p=1"),
                ("LATCHKEY_RATE_LIMITS", "off"),
                ("RUST_LOG", "error"),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let up = async { while TcpStream::connect(("127.0.0.1", port)).await.is_err() {} };
        timeout(PATIENCE, up).await.expect("it listens");
        Self { process, port, _data: (database, folder) }
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        socket.write_all(request.as_bytes()).await.expect("sent");
        socket
    }
}

on_both! {
    async fn whoever_hangs_up_while_a_page_is_made_leaves_no_trace(program: Program) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" }).to_string();
        let head = format!("host: localhost:{}\r\nconnection: close\r\n", program.port);
        let signup = format!("POST /api/v1/auth/signup HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let mut answer = String::new();
        program.send(&signup).await.read_to_string(&mut answer).await.expect("an answer");
        let token = answer.split("\"refresh_token\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");

        // Each hangs up a little later than the last one.
        for round in 0..40 {
            for page in ["/account", "/account/activity", "/account/sessions", "/account/data", "/login"] {
                let request = format!("GET {page} HTTP/1.1\r\n{head}accept: text/html\r\ncookie: latchkey={token}\r\n\r\n");
                let mut socket = program.send(&request).await;
                let _came = timeout(Duration::from_micros(500 * round), socket.read(&mut [0; 64])).await;
            }
        }
        let mut page = String::new();
        program.send(&format!("GET /login HTTP/1.1\r\n{head}accept: text/html\r\n\r\n")).await.read_to_string(&mut page).await.expect("a page");
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");

        let Program { mut process, .. } = program;
        process.start_kill().expect("killed");
        let log = String::from_utf8(process.wait_with_output().await.expect("its log").stdout).expect("text");
        assert_eq!(log, "", "nothing to complain of");
    }
}
