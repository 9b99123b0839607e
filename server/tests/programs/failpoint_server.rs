//! The server with fail points. A line on standard input names a fail point (`renewed` or `ended`),
//! and is echoed once the fail point is armed. When a request reaches it, the process aborts as
//! with `kill -9`. Used by the crash recovery tests.

use anyhow::bail;
use countersign::config::{Config, Settings};
use countersign_core::{
    Clock, RandomSource,
    fail_point::{FailPoint, arm},
};
use std::{io::Write, thread};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = match Config::from_settings(&Settings::read()?) {
        Ok(config) => config,
        Err(problems) => bail!("{}", problems.join("\n")),
    };
    thread::spawn(|| {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            arm(if line == "renewed" {
                FailPoint::AfterRefreshCommit
            } else {
                FailPoint::AfterRevocationCommit
            });
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    });
    countersign::serve(config, Clock::System, RandomSource::System).await
}
