//! The last events of a session, for failure reports.

use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

const MAX_LINES: usize = 24;

#[derive(Default)]
pub(super) struct EventLog(Mutex<VecDeque<(Instant, String)>>);

impl EventLog {
    pub(super) fn record(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back((Instant::now(), line));
    }

    /// Returns the lines, each with its time before the last one.
    pub(super) fn to_text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if let Some((last, _)) = lines.back() {
            for (at, line) in lines.iter() {
                let _ = write!(text, "\n    -{:>7.3} s  {line}", (*last - *at).as_secs_f64());
            }
        }
        text
    }
}
