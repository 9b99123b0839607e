//! The first start, with nothing there: the program makes what it needs, and tells whoever stands beside it how to become its administrator.

use serde_json::{Value, json};
use std::{path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

async fn start(folder: &Path, port: u16) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .env_clear()
        .current_dir(folder)
        .envs([("PATH", "/usr/bin:/bin"), ("LEPTOS_SITE_ADDR", &format!("127.0.0.1:{port}")), ("LATCHKEY_ARGON2", "m=64,t=1,p=1")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let up = async { while TcpStream::connect(("127.0.0.1", port)).await.is_err() {} };
    timeout(PATIENCE, up).await.expect("it listens");
    child
}

/// Ends it, and returns what it has written: its log, and what it said beside that.
async fn end(mut child: Child) -> (String, String) {
    child.kill().await.expect("killed");
    let output = child.wait_with_output().await.expect("output");
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn sign_up(port: u16, email: &str, invite: &str) -> (String, Value) {
    let body = json!({ "email": email, "password": "correct horse battery", "invite": invite }).to_string();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let head = format!(
        "POST /api/v1/auth/signup HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].to_owned(), serde_json::from_str(body).expect("JSON"))
}

#[tokio::test]
async fn the_first_start_prints_a_link_for_the_first_administrator_and_no_later_one_does() {
    let folder = TempDir::new().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port").port();
    let mut child = start(folder.path(), port).await;
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let link = async {
        while let Some(line) = said.next_line().await.expect("text") {
            if let Some(link) = line.trim().strip_prefix(&format!("http://localhost:{port}/signup?invite=")) {
                return link.to_owned();
            }
        }
        panic!("nothing was printed");
    };
    let invite = timeout(PATIENCE, link).await.expect("in time");
    let (status, tokens) = sign_up(port, "ada@example.com", &invite).await;
    assert_eq!((status.as_str(), &tokens["user"]["roles"]), ("201", &json!(["user", "admin"])), "{tokens}");
    let (status, problem) = sign_up(port, "eve@example.com", &invite).await;
    assert_eq!((status.as_str(), &problem["code"]), ("410", &json!("link_over")), "{problem}");
    let (log, _) = end(child).await;
    assert!(log.contains("\"serving") && !log.contains(&invite), "whoever reads the log could come first: {log}");

    let (_, said) = end(start(folder.path(), port).await).await;
    assert!(!said.contains("invite"), "{said}");
}
