//! The first start in an empty folder: the program creates its files and prints the setup link for
//! the first administrator on standard error.

use crate::process::{WAIT_TIMEOUT, free_port, send_request, server_command, wait_until_ready};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time::timeout,
};

async fn start(folder: &Path, port: u16) -> Child {
    let child = server_command(folder, port).stderr(Stdio::piped()).spawn().expect("a process");
    wait_until_ready(port).await;
    child
}

/// Kills the process, and returns its standard output (the log) and standard error.
async fn stop(mut child: Child) -> (String, String) {
    child.kill().await.expect("killed");
    let output = child.wait_with_output().await.expect("output");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

async fn sign_up(port: u16, email: &str, invite: &str) -> (u16, Value) {
    let body =
        json!({ "email": email, "password": "correct horse battery", "setup_token": invite });
    send_request(port, "POST", "/api/v1/auth/signup", "", &body).await.expect("a response")
}

#[tokio::test]
async fn only_the_first_start_prints_the_setup_link() {
    let folder = TempDir::new().expect("a folder");
    let port = free_port().await;
    let mut child = start(folder.path(), port).await;
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let link = async {
        while let Some(line) = stderr.next_line().await.expect("text") {
            if let Some(link) =
                line.trim().strip_prefix(&format!("http://localhost:{port}/link?token="))
            {
                return link.to_owned();
            }
        }
        panic!("no link was printed");
    };
    let invite = timeout(WAIT_TIMEOUT, link).await.expect("in time");
    let (status, tokens) = sign_up(port, "ada@example.com", &invite).await;
    assert_eq!((status, &tokens["user"]["roles"]), (201, &json!(["user", "admin"])), "{tokens}");
    let (status, problem) = sign_up(port, "eve@example.com", &invite).await;
    assert_eq!((status, &problem["code"]), (410, &json!("link_expired")), "{problem}");
    let (log, _) = stop(child).await;
    assert!(
        log.contains("\"listening") && !log.contains(&invite),
        "a reader of the log could use the link: {log}"
    );

    let (_, stderr) = stop(start(folder.path(), port).await).await;
    assert!(!stderr.contains("/link?token="), "{stderr}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn running_server_leaves_no_core_dump() {
    let folder = TempDir::new().expect("a folder");
    let child = start(folder.path(), free_port().await).await;
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", child.id().expect("a running process")))
            .expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    stop(child).await;
}
