//! Captures log output in tests.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing::subscriber::DefaultGuard;

/// Captures what this thread logs until the value is dropped.
pub struct LogCapture {
    written: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl LogCapture {
    /// Starts to capture, in the JSON format that the program uses without a terminal.
    pub fn start(filter: &str) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let buffer = Arc::clone(&written);
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_target(false)
            .json()
            .flatten_event(true)
            .with_writer(move || SharedBuffer(Arc::clone(&buffer)));
        Self { written, _guard: tracing::subscriber::set_default(subscriber.finish()) }
    }

    /// Returns the output since the last call.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.written.lock().expect("a lock")))
            .expect("UTF-8")
    }
}
