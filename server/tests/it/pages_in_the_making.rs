//! Pages that are made at the same time, and clients that hang up while one is made for them. Nothing of ours trips over it.

use crate::program::{ask, latchkey, port, up};
use auth::{on_both, testing::FreshDatabase};
use futures::future::join_all;
use serde_json::json;
use std::time::Duration;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Child,
    time::timeout,
};

const PAGES: [&str; 6] = ["/", "/login", "/account", "/account/activity", "/account/sessions", "/account/data"];

/// The program, and somebody who has logged in.
struct Program {
    process: Child,
    port: u16,
    token: String,
    _data: (FreshDatabase, TempDir),
}

impl Program {
    async fn on(database: FreshDatabase) -> Self {
        let (folder, port) = (TempDir::new().expect("a folder"), port().await);
        let process = latchkey(folder.path(), port).envs([("DATABASE_URL", database.url.as_str()), ("RUST_LOG", "error")]).spawn().expect("a process");
        up(port).await;
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) = ask(port, "POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
        assert_eq!(status, 201, "{tokens}");
        let token = tokens["refresh_token"].as_str().expect("a token").to_owned();
        Self { process, port, token, _data: (database, folder) }
    }

    async fn asked_for(&self, page: &str) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        let head = format!("host: localhost:{}\r\nconnection: close\r\naccept: text/html\r\ncookie: latchkey-{}={}\r\n", self.port, self.port, self.token);
        socket.write_all(format!("GET {page} HTTP/1.1\r\n{head}\r\n").as_bytes()).await.expect("sent");
        socket
    }

    /// Whether all of a page comes.
    async fn shows(&self, page: &str) -> bool {
        let mut text = String::new();
        let read = self.asked_for(page).await.read_to_string(&mut text).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let length = format!("content-length: {}", body.len());
        read.is_ok() && head.starts_with("HTTP/1.1 200 ") && head.lines().any(|line| line == length) && body.contains("</html>")
    }

    /// Ends it, and returns its log.
    async fn log(mut self) -> String {
        self.process.start_kill().expect("killed");
        String::from_utf8(self.process.wait_with_output().await.expect("its log").stdout).expect("text")
    }
}

on_both! {
    async fn pages_that_are_made_at_the_same_time_do_not_get_into_each_others_way(program: Program) {
        let here = &program;
        let readers = PAGES.map(|page| async move { for _ in 0..250 { assert!(here.shows(page).await, "{page}"); } });
        join_all(readers).await;
        assert_eq!(program.log().await, "", "nothing to complain of");
    }

    async fn whoever_hangs_up_while_a_page_is_made_leaves_no_trace(program: Program) {
        // Each hangs up a little later than the last one.
        for round in 0..40 {
            for page in PAGES {
                let mut socket = program.asked_for(page).await;
                let _came = timeout(Duration::from_micros(500 * round), socket.read(&mut [0; 64])).await;
            }
        }
        assert!(program.shows("/login").await);
        assert_eq!(program.log().await, "", "nothing to complain of");
    }
}
