//! The output of the real program when its reader stalls, goes away or has no room. No request
//! waits for it.

use crate::program::{Line, countersign, port, up};
use serde_json::Value;
use std::{
    io::{PipeReader, PipeWriter, Read, Write, pipe},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{process::Child, time::Instant};

/// What a pipe holds before writing to it blocks.
const PIPE_BYTES: usize = 64 * 1024;
/// Each of these makes a line of 8 kB: together more than pipe and queue hold.
const REQUESTS: usize = 1000;

/// A pipe in which there is no room.
fn stalled() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![b'.'; PIPE_BYTES]).expect("written");
    (reader, writer)
}

struct Running {
    process: Child,
    port: u16,
    _folder: TempDir,
}

async fn start(stdout: Stdio, stderr: Stdio) -> Running {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), port().await);
    let process =
        countersign(folder.path(), port).stdout(stdout).stderr(stderr).spawn().expect("a process");
    up(port).await;
    Running { process, port, _folder: folder }
}

impl Running {
    /// The longest that one of many requests took.
    async fn slowest_answer(&self) -> Duration {
        let (mut line, mut slowest) = (Line::to(self.port).await, Duration::ZERO);
        let path = format!("/api/v1/{}", "a".repeat(8000));
        for _ in 0..REQUESTS {
            let began = Instant::now();
            assert_eq!(line.ask("GET", &path, "", &Value::Null).await.expect("an answer").0, 404);
            slowest = slowest.max(began.elapsed());
        }
        slowest
    }

    /// Ends as an operator ends it.
    async fn stop(mut self) {
        let id = self.process.id().expect("a process").to_string();
        tokio::process::Command::new("kill").args(["-INT", &id]).status().await.expect("a signal");
        assert!(self.process.wait().await.expect("an end").success());
    }
}

#[tokio::test]
async fn stalled_log_reader_delays_no_request_and_is_told_what_it_missed() {
    let (mut reader, writer) = stalled();
    let server = start(writer.into(), Stdio::null()).await;
    let slowest = server.slowest_answer().await;
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");

    // It reads again.
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("text");
        text
    });
    // The queue empties: from then on there is room.
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop().await;
    let text = reading.await.expect("read");
    let lines: Vec<Value> = text[PIPE_BYTES..]
        .lines()
        .map(|line| serde_json::from_str(line).expect("whole lines"))
        .collect();
    let logged =
        lines.iter().filter(|line| line["message"] == "answered" && line["status"] == 404).count();
    let missed: Vec<_> =
        lines.iter().filter(|line| line["message"] == "log lines dropped").collect();
    assert!((100..REQUESTS).contains(&logged), "{logged}");
    assert_eq!(missed.len(), 1, "told once");
    assert!(
        logged as u64 + missed[0]["lines"].as_u64().expect("a number") >= REQUESTS as u64,
        "{logged} {}",
        missed[0]
    );
    assert!(lines.iter().any(|line| line["message"] == "stopping"), "the end is written, too");
}

#[tokio::test]
async fn stalled_output_keeps_the_server_neither_from_starting_nor_from_ending() {
    let ((reader, stdout), (other, stderr)) = (stalled(), stalled());
    let server = start(stdout.into(), stderr.into()).await;
    assert!(server.slowest_answer().await < Duration::from_secs(2));
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop((reader, other));
}

#[tokio::test]
async fn closed_or_full_output_stops_no_request() {
    let (reader, closed) = pipe().expect("a pipe");
    drop(reader);
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("a device");
    for (stdout, stderr) in [(Stdio::from(closed), Stdio::null()), (full().into(), full().into())] {
        let server = start(stdout, stderr).await;
        assert!(server.slowest_answer().await < Duration::from_secs(2));
        server.stop().await;
    }
}
