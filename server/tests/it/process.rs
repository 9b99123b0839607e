//! Runs the real program as a separate process, and sends requests to it.

use serde_json::Value;
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
    time::{sleep, timeout},
};

/// Timeout for anything that a test waits for.
pub const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Returns an unused port.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .and_then(|port| port.local_addr())
        .expect("a port")
        .port()
}

/// Returns a command for the server. It runs in `folder` without other environment, listens on
/// `port`, and is killed when its handle is dropped.
pub fn server_command(folder: &Path, port: u16) -> Command {
    configure_command(Command::new(env!("CARGO_BIN_EXE_countersign")), folder, port)
}

/// Configures another program, or a shell that starts the server, in the same way.
pub fn configure_command(mut program: Command, folder: &Path, port: u16) -> Command {
    let address = format!("127.0.0.1:{port}");
    program
        .env_clear()
        .current_dir(folder)
        .envs([
            ("PATH", "/usr/bin:/bin"),
            ("LEPTOS_SITE_ADDR", &address),
            ("COUNTERSIGN_ARGON2", "m=64,t=1,p=1"),
            ("COUNTERSIGN_RATE_LIMITS", "off"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    program
}

/// Waits until the server on this port is ready.
pub async fn wait_until_ready(port: u16) {
    let ready = async {
        while send_request(port, "GET", "/readyz", "", &Value::Null)
            .await
            .is_none_or(|(status, _)| status != 200)
        {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(WAIT_TIMEOUT, ready).await.expect("readiness in time");
}

/// Sends a request on a new connection. Returns the status and the body, or `None` without a
/// response.
pub async fn send_request(
    port: u16,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    HttpConnection::open(port).await.send_request(method, path, token, body).await
}

/// A keep-alive connection. `None` if it could not be opened.
pub struct HttpConnection(Option<TcpStream>);

impl HttpConnection {
    /// Connects. The kernel accepts the connection even before the process does, as long as the
    /// backlog is not full.
    pub async fn open(port: u16) -> Self {
        Self(TcpStream::connect(("127.0.0.1", port)).await.ok())
    }

    /// Sends a request. Returns the status and the body, or `None` without a response.
    pub async fn send_request(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let socket = self.0.as_mut()?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let content_type = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let bearer = if token.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {token}\r\n")
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n\
             {bearer}{content_type}content-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
        let mut response = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&response).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                if body.len() >= length {
                    return Some((
                        head.get(9..12)?.parse().ok()?,
                        serde_json::from_str(body).unwrap_or(Value::Null),
                    ));
                }
            }
            let mut chunk = [0; 4096];
            match socket.read(&mut chunk).await {
                Ok(length) if length > 0 => response.extend_from_slice(&chunk[..length]),
                _ => return None,
            }
        }
    }
}
