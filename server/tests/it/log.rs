//! What is logged, caught as it is written.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing::subscriber::DefaultGuard;

/// What this thread logs while it lives.
pub struct Log {
    written: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// As the program writes it where nobody is looking at a terminal.
    pub fn open(filter: &str) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let page = Arc::clone(&written);
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_target(false)
            .json()
            .flatten_event(true)
            .with_writer(move || Page(Arc::clone(&page)));
        Self { written, _guard: tracing::subscriber::set_default(log.finish()) }
    }

    /// What was written since the last time.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.written.lock().expect("a lock")))
            .expect("UTF-8")
    }
}
