//! The log: one line for each event on standard output. For people on a terminal, JSON everywhere else.
//!
//! Fields carry what varies, so that nothing an outsider sends can look like a line of its own. Never logged: bodies, query strings, cookies,
//! `Authorization`, e-mail addresses, anything typed.

use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// A panic is a line like any other, which says where and not what: the text may quote what somebody sent.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}

/// Starts logging. `filter` is in the syntax of `RUST_LOG`; without one everything from `info` up is logged.
pub fn start(filter: Option<&str>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter.unwrap_or("info,sqlx=warn")).context("RUST_LOG is not a filter")?;
    log_panics();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    if std::io::stdout().is_terminal() { builder.try_init() } else { builder.json().flatten_event(true).try_init() }.map_err(|error| anyhow::anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

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
    fn of_a_panic_the_place_is_logged_and_not_the_text() {
        let (lines, before) = (Lines::default(), std::panic::take_hook());
        log_panics();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || std::panic::catch_unwind(|| panic!("SENTINEL\n{{}}")).expect_err("a panic"));
        std::panic::set_hook(before);
        let text = String::from_utf8(lines.0.lock().expect("a lock").clone()).expect("text");
        assert!(text.lines().count() == 1 && text.contains("logs.rs") && !text.contains("SENTINEL"), "{text}");
    }
}
