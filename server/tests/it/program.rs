//! The real program, as a process of its own, and a client with a socket.

use serde_json::Value;
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
    time::{sleep, timeout},
};

/// What has not happened after so long never will.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A port that nobody has.
pub async fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .and_then(|port| port.local_addr())
        .expect("a port")
        .port()
}

/// The program, which finds nothing but what is in `folder`, and will listen on `port`. It is gone
/// with the handle on it.
pub fn countersign(folder: &Path, port: u16) -> Command {
    set_up(Command::new(env!("CARGO_BIN_EXE_countersign")), folder, port)
}

/// The same of another program, or of a shell that starts one.
pub fn set_up(mut program: Command, folder: &Path, port: u16) -> Command {
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

/// Waits until somebody answers there.
pub async fn up(port: u16) {
    let up = async {
        while ask(port, "GET", "/readyz", "", &Value::Null)
            .await
            .is_none_or(|(status, _)| status != 200)
        {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, up).await.expect("it answers");
}

/// The status and the body. `None`: there was no answer.
pub async fn ask(
    port: u16,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    Line::to(port).await.ask(method, path, token, body).await
}

/// A connection that is kept.
pub struct Line(Option<TcpStream>);

impl Line {
    /// The system takes it for the process as long as its queue is not full. Where nobody listens,
    /// it leads nowhere.
    pub async fn to(port: u16) -> Self {
        Self(TcpStream::connect(("127.0.0.1", port)).await.ok())
    }

    /// The status and the body. `None`: there was no answer.
    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let socket = self.0.as_mut()?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let bearer = if token.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {token}\r\n")
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{bearer}{kind}content-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
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
            let mut part = [0; 4096];
            match socket.read(&mut part).await {
                Ok(length) if length > 0 => answer.extend_from_slice(&part[..length]),
                _ => return None,
            }
        }
    }
}
