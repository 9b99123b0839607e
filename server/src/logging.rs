//! The log: one line per event. A server logs to standard output, as text on a terminal and as JSON
//! otherwise. A command logs to standard error, as text.
//!
//! Messages are constant and variable data is in fields, so that data from clients can't forge a
//! log line. Never logged: bodies, query strings, cookies, `Authorization`, email addresses, user
//! input.
//!
//! Logging never blocks on the reader of the log: lines go through a queue of at most
//! [`MAX_QUEUED_BYTES`] to a writer thread. A line that doesn't fit is dropped and counted. When
//! lines can be written again, a line reports how many were dropped.

use anyhow::Context;
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, ErrorKind, IsTerminal, Write},
    os::fd::AsFd,
    panic::Location,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The default of `RUST_LOG`.
pub const DEFAULT_FILTER: &str = "info,sqlx=warn";
/// Maximum size of the queue in bytes: about ten thousand requests.
pub const MAX_QUEUED_BYTES: usize = 4 * 1024 * 1024;
/// Memory that a queued line takes in addition to its text, in bytes.
const LINE_OVERHEAD_BYTES: usize = 64;
/// How long the process waits on exit for queued lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Delay before retrying a write to a full non-blocking pipe.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Number of lines dropped since the start of the process.
static DROPPED_LINES: AtomicU64 = AtomicU64::new(0);

/// Returns how many log lines were dropped since the start, because their reader was too slow or
/// the output failed.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED_LINES.load(Ordering::Relaxed)
}

/// Returns whether a text is a valid filter in the syntax of `RUST_LOG`.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    EnvFilter::try_new(text).is_ok()
}

/// Starts logging. `filter` is in the syntax of `RUST_LOG`. A server logs to standard output; a
/// command logs to standard error, because its result is on standard output. Dropping the guard
/// writes the queued lines, for at most [`FLUSH_TIMEOUT`].
pub fn start(filter: &str, is_server: bool) -> anyhow::Result<FlushGuard> {
    let filter = EnvFilter::try_new(filter).context("RUST_LOG is not a valid filter")?;
    // A separate handle: a blocked write would hold the lock of `std::io::stdout`.
    let handle = if is_server {
        io::stdout().as_fd().try_clone_to_owned()
    } else {
        io::stderr().as_fd().try_clone_to_owned()
    };
    let output = File::from(handle.context("cannot open the log output")?);
    let terminal = output.is_terminal();
    let queue = LineQueue::default();
    let writer = queue.clone();
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.write_to(output))
        .context("cannot start the log thread")?;
    log_panics();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(terminal)
        .with_writer(queue.clone());
    let started = if terminal || !is_server {
        builder.try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(FlushGuard(queue))
}

/// Writes a text to standard error in one piece, and waits for at most `timeout`. A stalled reader
/// delays only the text itself.
pub fn write_to_stderr(text: String, timeout: Duration) {
    let (written, done) = mpsc::sync_channel(1);
    let writing = thread::Builder::new().name("stderr".to_owned()).spawn(move || {
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = written.send(()); // Fails after the timeout.
    });
    if writing.is_ok() {
        let _ = done.recv_timeout(timeout);
    }
}

/// Logs panics as events with their location, without their message: it may quote data from a
/// client.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(location);
        tracing::error!(location, "panic");
    }));
}

fn location(location: &Location<'_>) -> String {
    format!("{}:{}:{}", without_folders(location.file()), location.line(), location.column())
}

/// Returns the path of a source file without the directories of the build machine. Files of this
/// workspace have relative paths.
fn without_folders(file: &str) -> &str {
    // Dependencies: `…/registry/src/INDEX/CRATE-VERSION/src/…`; the standard library:
    // `/rustc/COMMIT/library/…`.
    let below = |marker: &str| {
        file.split_once(marker).and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest)
    };
    let found = ["/registry/src/", "/git/checkouts/", "/rustc/"].into_iter().find_map(below);
    found.unwrap_or_else(|| {
        if file.starts_with('/') { file.rsplit('/').next().unwrap_or_default() } else { file }
    })
}

/// The queue between the code that logs and the writer thread.
#[derive(Clone, Default)]
struct LineQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queued: Mutex<Queued>,
    changed: Condvar,
}

#[derive(Default)]
struct Queued {
    lines: VecDeque<Box<[u8]>>,
    /// Total size of `lines` and of the line being written.
    bytes: usize,
}

impl LineQueue {
    fn push(&self, line: &[u8]) {
        let cost = line.len() + LINE_OVERHEAD_BYTES;
        let mut queued = self.0.queued.lock().unwrap_or_else(PoisonError::into_inner);
        if queued.bytes + cost > MAX_QUEUED_BYTES {
            DROPPED_LINES.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queued.bytes += cost;
        queued.lines.push_back(line.into());
        drop(queued);
        self.0.changed.notify_all();
    }

    /// Writes lines as they arrive. Reports dropped lines after the next successful write. Never
    /// returns.
    fn write_to(&self, mut output: impl Write) {
        let mut reported = dropped_lines();
        loop {
            let line = {
                let queued = self.0.queued.lock().unwrap_or_else(PoisonError::into_inner);
                let mut queued = self
                    .0
                    .changed
                    .wait_while(queued, |queued| queued.lines.is_empty())
                    .unwrap_or_else(PoisonError::into_inner);
                queued.lines.pop_front()
            };
            let Some(line) = line else { continue };
            let written = write_whole(&mut output, &line);
            if written.is_err() {
                DROPPED_LINES.fetch_add(1, Ordering::Relaxed);
            }
            let mut queued = self.0.queued.lock().unwrap_or_else(PoisonError::into_inner);
            queued.bytes -= line.len() + LINE_OVERHEAD_BYTES;
            let drained = queued.lines.is_empty();
            drop(queued);
            self.0.changed.notify_all();
            let dropped = dropped_lines();
            if written.is_ok() && drained && dropped > reported {
                tracing::warn!(lines = dropped - reported, total = dropped, "log lines dropped");
                reported = dropped;
            }
        }
    }
}

/// Like [`Write::write_all`], but retries on a full non-blocking pipe.
fn write_whole(output: &mut impl Write, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match output.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Write for LineQueue {
    /// Queues one line: `tracing_subscriber` writes each line in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Writes the queued lines when dropped, for at most [`FLUSH_TIMEOUT`].
#[must_use = "dropping the guard writes the queued lines"]
pub struct FlushGuard(LineQueue);

impl Drop for FlushGuard {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let queued = shared.queued.lock().unwrap_or_else(PoisonError::into_inner);
        let result =
            shared.changed.wait_timeout_while(queued, FLUSH_TIMEOUT, |queued| queued.bytes > 0);
        drop(result); // Lines that are still queued after the timeout are lost.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn panic_is_logged_with_location_and_without_message() {
        let (lines, before) = (Lines::default(), std::panic::take_hook());
        log_panics();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || {
            std::panic::catch_unwind(|| panic!("SENTINEL\n{{}}")).expect_err("panic")
        });
        std::panic::set_hook(before);
        let text = String::from_utf8(lines.0.lock().expect("a lock").clone()).expect("text");
        assert!(
            text.lines().count() == 1 && text.contains("logging.rs") && !text.contains("SENTINEL"),
            "{text}"
        );
    }

    #[test]
    fn panic_location_has_no_build_machine_directories() {
        for (file, location) in [
            ("server/src/logging.rs", "server/src/logging.rs"),
            (
                "/home/me/.cargo/registry/src/index.crates.io-1949cf8c/zxcvbn-3.1.1/src/scoring.rs",
                "zxcvbn-3.1.1/src/scoring.rs",
            ),
            (
                "/home/me/.cargo/git/checkouts/leptos-0123/abcdef/leptos/src/lib.rs",
                "abcdef/leptos/src/lib.rs",
            ),
            (
                "/rustc/0123456789abcdef/library/core/src/slice/index.rs",
                "library/core/src/slice/index.rs",
            ),
            ("/home/me/target/debug/build/x-1/out/made.rs", "made.rs"),
        ] {
            assert_eq!(without_folders(file), location);
        }
    }

    #[test]
    fn full_queue_drops_and_counts_lines() {
        let (queue, line) = (LineQueue::default(), [b'x'; 1000]);
        let room = MAX_QUEUED_BYTES / (line.len() + LINE_OVERHEAD_BYTES);
        let before = dropped_lines();
        for _ in 0..room + 7 {
            queue.push(&line);
        }
        assert_eq!(queue.0.queued.lock().expect("a lock").lines.len(), room);
        assert!(dropped_lines() - before >= 7);
    }

    #[test]
    fn write_to_full_nonblocking_pipe_is_retried() {
        struct Full(usize, Vec<u8>);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    1 => Err(ErrorKind::WouldBlock.into()),
                    2 => Err(ErrorKind::Interrupted.into()),
                    _ => self.1.write(&bytes[..1]),
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut full = Full(0, Vec::new());
        write_whole(&mut full, b"line\n").expect("written");
        assert_eq!(full.1, b"line\n");
    }
}
