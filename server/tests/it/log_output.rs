//! Log output of the real program to a reader that stalls, closes the pipe or has no space. No
//! request waits for it.

use crate::process::{HttpConnection, free_port, server_command, wait_until_ready};
use serde_json::Value;
use std::{
    io::{PipeReader, PipeWriter, Read, Write, pipe},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{process::Child, time::Instant};

/// Capacity of a pipe; writes beyond it block.
const PIPE_BYTES: usize = 64 * 1024;
/// Each request logs a line of 8 kB; together they exceed the capacity of pipe and queue.
const REQUESTS: usize = 1000;

/// Creates a pipe that is full.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![b'.'; PIPE_BYTES]).expect("written");
    (reader, writer)
}

struct ServerProcess {
    process: Child,
    port: u16,
    _folder: TempDir,
}

async fn start(stdout: Stdio, stderr: Stdio) -> ServerProcess {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port().await);
    let process = server_command(folder.path(), port)
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .expect("a process");
    wait_until_ready(port).await;
    ServerProcess { process, port, _folder: folder }
}

impl ServerProcess {
    /// Sends many requests, and returns the longest response time.
    async fn slowest_response(&self) -> Duration {
        let (mut connection, mut slowest) = (HttpConnection::open(self.port).await, Duration::ZERO);
        let path = format!("/api/v1/{}", "a".repeat(8000));
        for _ in 0..REQUESTS {
            let began = Instant::now();
            assert_eq!(
                connection
                    .send_request("GET", &path, "", &Value::Null)
                    .await
                    .expect("a response")
                    .0,
                404
            );
            slowest = slowest.max(began.elapsed());
        }
        slowest
    }

    /// Stops the process with SIGINT.
    async fn stop(mut self) {
        let id = self.process.id().expect("a process").to_string();
        tokio::process::Command::new("kill").args(["-INT", &id]).status().await.expect("a signal");
        assert!(self.process.wait().await.expect("an end").success());
    }
}

#[tokio::test]
async fn stalled_log_reader_delays_no_request_and_drops_are_counted() {
    let (mut reader, writer) = full_pipe();
    let server = start(writer.into(), Stdio::null()).await;
    let slowest = server.slowest_response().await;
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");

    // The reader resumes.
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        text
    });
    // Wait until the queue has drained.
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop().await;
    let text = reading.await.expect("read");
    let lines: Vec<Value> = text[PIPE_BYTES..]
        .lines()
        .map(|line| serde_json::from_str(line).expect("whole lines"))
        .collect();
    let logged = lines
        .iter()
        .filter(|line| line["message"] == "request completed" && line["status"] == 404)
        .count();
    let dropped: Vec<_> =
        lines.iter().filter(|line| line["message"] == "log lines dropped").collect();
    assert!((100..REQUESTS).contains(&logged), "{logged}");
    assert_eq!(dropped.len(), 1, "reported once");
    assert!(
        logged as u64 + dropped[0]["lines"].as_u64().expect("a number") >= REQUESTS as u64,
        "{logged} {}",
        dropped[0]
    );
    assert!(lines.iter().any(|line| line["message"] == "stopping"), "the shutdown is logged");
}

#[tokio::test]
async fn stalled_output_prevents_neither_start_nor_shutdown() {
    let ((stdout_reader, stdout), (stderr_reader, stderr)) = (full_pipe(), full_pipe());
    let server = start(stdout.into(), stderr.into()).await;
    assert!(server.slowest_response().await < Duration::from_secs(2));
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop((stdout_reader, stderr_reader));
}

#[tokio::test]
async fn closed_or_full_output_stops_no_request() {
    let (reader, closed) = pipe().expect("a pipe");
    drop(reader);
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("a device");
    for (stdout, stderr) in [(Stdio::from(closed), Stdio::null()), (full().into(), full().into())] {
        let server = start(stdout, stderr).await;
        assert!(server.slowest_response().await < Duration::from_secs(2));
        server.stop().await;
    }
}
