//! The program, but mortal: a line on its standard input names a moment (`renewed` or `ended`), and
//! when a request comes to that moment the process dies as by `kill -9`. It says the line again
//! when it has heard. For the tests in `tests/it/death.rs`.

use anyhow::bail;
use countersign::config::{Config, Settings};
use countersign_core::{
    Clock, Entropy,
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
            arm(if line == "renewed" { FailPoint::Renewed } else { FailPoint::Ended });
            let _nobody_listens = writeln!(std::io::stdout(), "{line}");
        }
    });
    countersign::serve(config, Clock::System, Entropy::System).await
}
