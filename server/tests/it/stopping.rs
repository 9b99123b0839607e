//! The real program is told to stop: by which signal, how soon, and what becomes of what is under
//! way.

use crate::program::{PATIENCE, ask, countersign, port, up};
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// What `docker stop` waits before it kills.
const DOCKER: Duration = Duration::from_secs(10);

struct Running {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Running {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), port().await);
        let process = countersign(folder.path(), port)
            .env("RUST_LOG", "off")
            .envs(settings.iter().copied())
            .spawn()
            .expect("a process");
        up(port).await;
        Self { process, port, _folder: folder }
    }

    async fn signal(&self, name: &str) {
        let id = self.process.id().expect("a process").to_string();
        assert!(Command::new("kill").args([name, &id]).status().await.expect("a signal").success());
    }

    /// How long it takes to end in good order.
    async fn ends(&mut self) -> Duration {
        let began = Instant::now();
        let status =
            timeout(PATIENCE, self.process.wait()).await.expect("it ends").expect("a status");
        assert!(status.success(), "{status}");
        began.elapsed()
    }

    async fn status(&self, path: &str) -> Option<u16> {
        ask(self.port, "GET", path, "", &Value::Null).await.map(|(status, _)| status)
    }

    async fn begin(&self, bytes: &str) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        socket.write_all(bytes.as_bytes()).await.expect("sent");
        // So that it is inside.
        assert_eq!(self.status("/healthz").await, Some(200));
        socket
    }
}

#[tokio::test]
async fn readiness_turns_503_before_connections_are_refused() {
    let mut server = Running::start(&[("COUNTERSIGN_SHUTDOWN_DELAY", "60s")]).await;
    server.signal("-TERM").await;
    let unready = async {
        while server.status("/readyz").await.expect("it still answers") != 503 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, unready).await.expect("not ready");
    for _ in 0..20 {
        assert_eq!(server.status("/healthz").await, Some(200), "whoever comes now is served");
    }
    // Told again, it waits no longer.
    server.signal("-TERM").await;
    assert!(server.ends().await < DOCKER);
    assert_eq!(server.status("/healthz").await, None);
}

#[tokio::test]
async fn request_under_way_is_answered_whatever_the_signal() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let mut server = Running::start(&[("COUNTERSIGN_SHUTDOWN_DELAY", "0s")]).await;
        let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
        let head = format!(
            "POST /api/v1/auth/signup HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut socket = server.begin(&head).await;
        server.signal(signal).await;
        // From then on connections are refused.
        let refused =
            async { while TcpStream::connect(("127.0.0.1", server.port)).await.is_ok() {} };
        timeout(PATIENCE, refused).await.expect("it has heard");
        socket.write_all(body.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 201 "), "{signal}: {answer}");
        assert!(server.ends().await < DOCKER, "{signal}");
    }
}

#[tokio::test]
async fn half_a_request_holds_no_longer_than_docker_waits() {
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    for (bytes, at_most) in [(&head[..40], Duration::from_secs(6)), (head, DOCKER)] {
        // With the delay that is the default.
        let mut server = Running::start(&[]).await;
        let _socket = server.begin(bytes).await;
        server.signal("-TERM").await;
        let took = server.ends().await;
        assert!(took < at_most, "{bytes}: {took:?}");
    }
}
