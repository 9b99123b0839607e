//! The command `countersign messages`, and the file of `COUNTERSIGN_BRAND_MESSAGES`, which replaces
//! texts of pages and emails, but none of the JSON API. The journey `messages` tests the pages in a
//! browser.

use crate::process::{free_port, send_request, server_command, wait_until_ready};
use serde_json::{Value, json};
use std::{fs, process::Output};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};

const FILE: &str = r#"
"Log in to {product}" = "Sign in <to> {product}"
"Log in" = "Sign in"
"Page not found" = "Nothing here"
"Incorrect email address or password" = "Wrong"
"#;

/// A folder with a file of replacements.
fn folder(file: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("messages.toml"), file).expect("written");
    folder
}

fn command(folder: &TempDir, port: u16) -> Command {
    let mut command = server_command(folder.path(), port);
    command.env("COUNTERSIGN_BRAND_MESSAGES", "messages.toml").stderr(std::process::Stdio::piped());
    command
}

async fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    command(folder, 0).args(arguments).output().await.expect("a process")
}

#[tokio::test]
async fn command_prints_all_messages_with_their_current_texts() {
    let folder = folder(FILE);
    let output = run(&folder, &["messages"]).await;
    assert!(output.status.success());
    let printed: toml::Table =
        String::from_utf8(output.stdout).expect("UTF-8").parse().expect("TOML");
    assert_eq!(printed["Log in"].as_str(), Some("Sign in"));
    assert_eq!(printed["Sign up"].as_str(), Some("Sign up"));
    // The output is such a file.
    fs::write(folder.path().join("messages.toml"), printed.to_string()).expect("written");
    let output = run(&folder, &["messages", "--json"]).await;
    let messages: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(messages.len(), printed.len());
    let log_in = messages.iter().find(|message| message["english"] == "Log in").expect("a message");
    assert_eq!(log_in["text"], "Sign in");
}

#[tokio::test]
async fn unknown_message_stops_the_start_with_the_nearest() {
    let folder = folder("\"Page not fund\" = \"Nothing here\"");
    let output = run(&folder, &["serve"]).await;
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("COUNTERSIGN_BRAND_MESSAGES"), "{error}");
    assert!(error.contains("did you mean \"Page not found\"?"), "{error}");
}

#[tokio::test]
async fn pages_have_the_replacements_escaped_and_the_json_api_stays_in_english() {
    let folder = folder(FILE);
    let port = free_port().await;
    let _server = command(&folder, port).spawn().expect("a process");
    wait_until_ready(port).await;
    let page = get(port, "/login").await;
    assert!(page.contains("Sign in &lt;to&gt; Countersign"), "{page}");
    assert!(!page.contains(">Log in to"), "{page}");
    assert!(get(port, "/nothing").await.contains("Nothing here"));
    let credentials = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    let (status, problem) =
        send_request(port, "POST", "/api/v1/auth/login", "", &credentials).await.expect("JSON");
    assert_eq!(status, 401);
    assert_eq!(problem["title"], "Incorrect email address or password");
}

/// Returns the response as text.
async fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("text");
    response
}
