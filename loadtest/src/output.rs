//! Output: results, failures and progress.

use crate::database::DatabaseKind;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::{
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Interval of progress lines, which replace the bar.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
    bars: MultiProgress,
    /// The database that the test runs on, for progress.
    database: &'static str,
}

impl Output {
    /// Creates the output. Progress bars are hidden with `json`, and if standard error is not a
    /// terminal.
    pub(crate) fn new(json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { json, bars: MultiProgress::with_draw_target(target), database: "" }
    }

    /// Returns the output for a test on one database.
    pub(crate) fn on(&self, database: DatabaseKind) -> Self {
        Self { database: database.name(), ..self.clone() }
    }

    /// Prints text. With `--json` it goes to standard error.
    pub(crate) fn print(&self, text: &str) {
        if self.json {
            self.print_error(text);
        } else {
            let _ = self.bars.suspend(|| writeln!(std::io::stdout(), "{text}"));
        }
    }

    /// Prints text to standard error.
    pub(crate) fn print_error(&self, text: &str) {
        let _ = self.bars.suspend(|| writeln!(std::io::stderr(), "{text}"));
    }

    /// Prints JSON, with `--json` only.
    pub(crate) fn print_json(&self, value: &Value) {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{value:#}");
        }
    }

    /// Starts to show the progress of one stage, until the value is dropped.
    pub(crate) fn start_progress(&self, stage: &str, total: u64) -> Progress<'_> {
        let stage = format!("{}: {stage}", self.database);
        let style = ProgressStyle::with_template("    {prefix} [{bar:30}] {pos}/{len} {msg}");
        let bar = ProgressBar::new(total)
            .with_style(style.expect("a valid template").progress_chars("=> "))
            .with_prefix(stage.clone());
        let bar = self.bars.add(bar);
        let progress =
            Progress { output: self, bar, stage, printed_at: Mutex::new(Instant::now()) };
        if progress.bar.is_hidden() {
            self.print(&format!("    {}", progress.stage));
        }
        progress
    }
}

/// The progress of one stage of a test: a bar, or a line every few seconds.
pub(crate) struct Progress<'a> {
    output: &'a Output,
    bar: ProgressBar,
    stage: String,
    printed_at: Mutex<Instant>,
}

impl Progress<'_> {
    /// Shows how many steps are complete.
    pub(crate) fn set(&self, position: u64, details: &str) {
        self.bar.set_position(position);
        if !self.bar.is_hidden() {
            self.bar.set_message(details.to_owned());
            return;
        }
        let mut printed_at = self.printed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if printed_at.elapsed() >= LINE_INTERVAL {
            *printed_at = Instant::now();
            let total = self.bar.length().unwrap_or_default();
            let separator = if details.is_empty() { "" } else { ": " };
            let line = format!("    {}, {position} of {total}{separator}{details}", self.stage);
            self.output.print(&line);
        }
    }

    /// Shows that one more step is complete.
    pub(crate) fn advance(&self) {
        self.set(self.bar.position() + 1, "");
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
