//! The log: one line for each event on standard output. For people on a terminal, JSON everywhere else.
//!
//! Fields carry what varies, so that nothing an outsider sends can look like a line of its own. Never logged: bodies, query strings, cookies,
//! `Authorization`, e-mail addresses, anything typed.

use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. `filter` is in the syntax of `RUST_LOG`; without one everything from `info` up is logged.
pub fn start(filter: Option<&str>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter.unwrap_or("info,sqlx=warn")).context("RUST_LOG is not a filter")?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    if std::io::stdout().is_terminal() { builder.try_init() } else { builder.json().flatten_event(true).try_init() }.map_err(|error| anyhow::anyhow!("{error}"))
}
