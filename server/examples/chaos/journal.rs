//! What happened in one session last, for the report of a fault.

use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

const KEPT: usize = 24;

#[derive(Default)]
pub(crate) struct Journal(Mutex<VecDeque<(Instant, String)>>);

impl Journal {
    pub(crate) fn write(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back((Instant::now(), line));
    }

    /// The lines, each with how long before the last it was written.
    pub(crate) fn read(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if let Some((last, _)) = lines.back() {
            for (at, line) in lines.iter() {
                let _always_fits =
                    write!(text, "\n    -{:>7.3} s  {line}", (*last - *at).as_secs_f64());
            }
        }
        text
    }
}
