//! The demonstration: a server with invented accounts, whose data is deleted when it stops.
//!
//! The database is a file in a temporary directory, because a SQLite database in memory belongs to
//! one connection and the server has several.

mod accounts;
mod history;

use crate::{
    config::{Config, Site},
    serve::{Signals, serve_site},
};
use accounts::{ACCOUNTS, DemoAccount};
use anyhow::Context;
use countersign_core::{Clock, RandomSource, ServerSecret};

/// Creates the accounts and serves until a signal, like [`crate::serve()`]. The database and the
/// server secret of `config` are replaced.
pub async fn serve(config: Config, random: RandomSource) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("countersign-demo-")
        .tempdir()
        .context("cannot create a temporary directory; set another place with TMPDIR")?;
    let secret = ServerSecret::generate(&random)?;
    let config = config.for_demo(folder.path().join("countersign.db"), secret.clone());
    // Without this, a signal would end the process and leave the directory behind.
    let mut signals = Signals::new()?;
    tokio::select! {
        created = history::create(&config, &secret, &random) => {
            created.context("cannot create the accounts of the demonstration")?;
        }
        _ = signals.next() => return Ok(()),
    }
    let site = Site { is_demo: true, ..config.site() };
    let announcement = announce(&config.http().origin());
    serve_site(config, site, announcement, Clock::System, random).await
}

/// Returns the log-ins as a table, with the URL.
fn announce(origin: &str) -> String {
    let row = |account: &DemoAccount| {
        let DemoAccount { email, password, about, .. } = account;
        format!("    {email:<18}  {password:<17}  {about}\n")
    };
    let rows: String = ACCOUNTS.iter().map(row).collect();
    format!(
        "This is a demonstration. Its data is deleted when the server stops.\n\
         Log in at {origin}/login with one of these accounts:\n\n{rows}\n\
         Press Ctrl+C to stop the server.\n"
    )
}
