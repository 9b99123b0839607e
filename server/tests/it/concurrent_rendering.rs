//! Concurrent page renders, and clients that disconnect during a render. The server logs no error.

use crate::process::{free_port, send_request, server_command, wait_until_ready};
use countersign_core::{test_on_each_database, testing::TestDatabase};
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

const PAGES: [&str; 6] =
    ["/", "/login", "/account", "/account/activity", "/account/devices", "/account/data"];

/// A server process with one signed-in user.
struct ServerProcess {
    process: Child,
    port: u16,
    refresh_token: String,
    _data: (TestDatabase, TempDir),
}

impl ServerProcess {
    async fn on(database: TestDatabase) -> Self {
        let (folder, port) = (TempDir::new().expect("a folder"), free_port().await);
        let process = server_command(folder.path(), port)
            .envs([("DATABASE_URL", database.url.as_str()), ("RUST_LOG", "error")])
            .spawn()
            .expect("a process");
        wait_until_ready(port).await;
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) =
            send_request(port, "POST", "/api/v1/auth/signup", "", &body).await.expect("a response");
        assert_eq!(status, 201, "{tokens}");
        let refresh_token = tokens["refresh_token"].as_str().expect("a token").to_owned();
        Self { process, port, refresh_token, _data: (database, folder) }
    }

    /// Requests a page as the signed-in user, without reading the response.
    async fn request_page(&self, page: &str) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        let head = format!(
            "host: localhost:{}\r\nconnection: close\r\naccept: text/html\r\n\
             cookie: countersign-{}={}\r\n",
            self.port, self.port, self.refresh_token
        );
        socket
            .write_all(format!("GET {page} HTTP/1.1\r\n{head}\r\n").as_bytes())
            .await
            .expect("sent");
        socket
    }

    /// Returns whether the response is a complete page.
    async fn renders_completely(&self, page: &str) -> bool {
        let mut text = String::new();
        let read = self.request_page(page).await.read_to_string(&mut text).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        read.is_ok()
            && head.starts_with("HTTP/1.1 200 ")
            && head.lines().any(|line| line == format!("content-length: {}", body.len()))
            && body.contains("</html>")
    }

    /// Stops the process, and returns its log.
    async fn stop_and_read_log(mut self) -> String {
        self.process.start_kill().expect("killed");
        String::from_utf8(self.process.wait_with_output().await.expect("its log").stdout)
            .expect("text")
    }
}

test_on_each_database! {
    async fn concurrent_page_renders_do_not_interfere(server: ServerProcess) {
        let process = &server;
        let clients = PAGES.map(|page| async move {
            for _ in 0..250 {
                assert!(process.renders_completely(page).await, "{page}");
            }
        });
        join_all(clients).await;
        assert_eq!(server.stop_and_read_log().await, "", "the log has no errors");
    }

    async fn client_disconnect_during_render_logs_nothing(server: ServerProcess) {
        // Each client disconnects 500 µs later than in the previous round.
        for round in 0..40 {
            for page in PAGES {
                let mut socket = server.request_page(page).await;
                let _ =
                    timeout(Duration::from_micros(500 * round), socket.read(&mut [0; 64])).await;
            }
        }
        assert!(server.renders_completely("/login").await);
        assert_eq!(server.stop_and_read_log().await, "", "the log has no errors");
    }
}
