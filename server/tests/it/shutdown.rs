//! Graceful shutdown of the real program: signals, deadlines and requests in progress.

use crate::process::{WAIT_TIMEOUT, free_port, send_request, server_command, wait_until_ready};
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// The grace period of `docker stop` before SIGKILL.
const DOCKER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

struct ServerProcess {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl ServerProcess {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port().await);
        let process = server_command(folder.path(), port)
            .env("RUST_LOG", "off")
            .envs(settings.iter().copied())
            .spawn()
            .expect("a process");
        wait_until_ready(port).await;
        Self { process, port, _folder: folder }
    }

    async fn signal(&self, name: &str) {
        let id = self.process.id().expect("a process").to_string();
        assert!(Command::new("kill").args([name, &id]).status().await.expect("a signal").success());
    }

    /// Waits for a successful exit, and returns how long it took.
    async fn wait_for_exit(&mut self) -> Duration {
        let began = Instant::now();
        let status = timeout(WAIT_TIMEOUT, self.process.wait())
            .await
            .expect("an exit in time")
            .expect("a status");
        assert!(status.success(), "{status}");
        began.elapsed()
    }

    async fn status(&self, path: &str) -> Option<u16> {
        send_request(self.port, "GET", path, "", &Value::Null).await.map(|(status, _)| status)
    }

    /// Opens a connection and sends the first bytes of a request.
    async fn begin_request(&self, bytes: &str) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        socket.write_all(bytes.as_bytes()).await.expect("sent");
        // By now the server has accepted the connection.
        assert_eq!(self.status("/healthz").await, Some(200));
        socket
    }
}

#[tokio::test]
async fn readiness_returns_503_before_connections_are_refused() {
    let mut server = ServerProcess::start(&[("COUNTERSIGN_SHUTDOWN_DELAY", "60s")]).await;
    server.signal("-TERM").await;
    let unready = async {
        while server.status("/readyz").await.expect("a response before shutdown") != 503 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(WAIT_TIMEOUT, unready).await.expect("503 in time");
    for _ in 0..20 {
        assert_eq!(server.status("/healthz").await, Some(200), "new connections are served");
    }
    // A second signal skips the delay.
    server.signal("-TERM").await;
    assert!(server.wait_for_exit().await < DOCKER_STOP_TIMEOUT);
    assert_eq!(server.status("/healthz").await, None);
}

#[tokio::test]
async fn request_in_progress_completes_on_every_signal() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let mut server = ServerProcess::start(&[("COUNTERSIGN_SHUTDOWN_DELAY", "0s")]).await;
        let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
        let head = format!(
            "POST /api/v1/auth/signup HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut socket = server.begin_request(&head).await;
        server.signal(signal).await;
        // The listener is closed.
        let refused =
            async { while TcpStream::connect(("127.0.0.1", server.port)).await.is_ok() {} };
        timeout(WAIT_TIMEOUT, refused).await.expect("a closed listener in time");
        socket.write_all(body.as_bytes()).await.expect("sent");
        let mut response = String::new();
        socket.read_to_string(&mut response).await.expect("a response");
        assert!(response.starts_with("HTTP/1.1 201 "), "{signal}: {response}");
        assert!(server.wait_for_exit().await < DOCKER_STOP_TIMEOUT, "{signal}");
    }
}

#[tokio::test]
async fn incomplete_request_ends_within_the_docker_timeout() {
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n";
    for (bytes, at_most) in [(&head[..40], Duration::from_secs(6)), (head, DOCKER_STOP_TIMEOUT)] {
        // The default shutdown delay applies.
        let mut server = ServerProcess::start(&[]).await;
        let _socket = server.begin_request(bytes).await;
        server.signal("-TERM").await;
        let took = server.wait_for_exit().await;
        assert!(took < at_most, "{bytes}: {took:?}");
    }
}
