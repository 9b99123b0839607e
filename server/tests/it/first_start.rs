//! The first start, with nothing there: the program makes what it needs, and tells whoever stands
//! beside it how to become its administrator.

use crate::program::{PATIENCE, ask, countersign, port, up};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time::timeout,
};

async fn start(folder: &Path, port: u16) -> Child {
    let child = countersign(folder, port).stderr(Stdio::piped()).spawn().expect("a process");
    up(port).await;
    child
}

/// Ends it, and returns what it has written: its log, and what it said beside that.
async fn end(mut child: Child) -> (String, String) {
    child.kill().await.expect("killed");
    let output = child.wait_with_output().await.expect("output");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

async fn sign_up(port: u16, email: &str, invite: &str) -> (u16, Value) {
    let body = json!({ "email": email, "password": "correct horse battery", "invite": invite });
    ask(port, "POST", "/api/v1/auth/signup", "", &body).await.expect("an answer")
}

#[tokio::test]
async fn the_first_start_prints_a_link_for_the_first_administrator_and_no_later_one_does() {
    let folder = TempDir::new().expect("a folder");
    let port = port().await;
    let mut child = start(folder.path(), port).await;
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let link = async {
        while let Some(line) = said.next_line().await.expect("text") {
            if let Some(link) =
                line.trim().strip_prefix(&format!("http://localhost:{port}/signup?invite="))
            {
                return link.to_owned();
            }
        }
        panic!("nothing was printed");
    };
    let invite = timeout(PATIENCE, link).await.expect("in time");
    let (status, tokens) = sign_up(port, "ada@example.com", &invite).await;
    assert_eq!((status, &tokens["user"]["roles"]), (201, &json!(["user", "admin"])), "{tokens}");
    let (status, problem) = sign_up(port, "eve@example.com", &invite).await;
    assert_eq!((status, &problem["code"]), (410, &json!("link_over")), "{problem}");
    let (log, _) = end(child).await;
    assert!(
        log.contains("\"serving") && !log.contains(&invite),
        "whoever reads the log could come first: {log}"
    );

    let (_, said) = end(start(folder.path(), port).await).await;
    assert!(!said.contains("invite"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn running_server_leaves_no_core_dump() {
    let folder = TempDir::new().expect("a folder");
    let child = start(folder.path(), port().await).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().expect("it runs")))
        .expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    end(child).await;
}
