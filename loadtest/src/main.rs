//! Load, fault and timing tests of the server, one for each subcommand.
//!
//! | to learn about | read |
//! |---|---|
//! | the tests | [`login_flood`], [`refresh_chaos`], [`login_timing`], [`revocation_latency`] |
//! | requests and responses, on a socket or without one | [`api`] |
//! | the HTTP client | [`http_client`] |
//! | servers as processes of the program | [`server_process`] |
//! | servers inside of this program | [`in_process_server`] |
//! | the report, limits and exit codes | [`report`] |
//!
//! The script of the same name builds and runs each subcommand, with a temporary PostgreSQL.

mod api;
mod database;
mod host_info;
mod http_client;
mod in_process_server;
mod latencies;
mod login_flood;
mod login_timing;
mod output;
mod refresh_chaos;
mod report;
mod revocation_latency;
mod server_process;

use clap::{Parser, Subcommand};
use database::DatabaseKind;
use host_info::HostInfo;
use output::Output;
use report::Report;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Load, fault and timing tests of the server.
///
/// Exit codes: 0: all requirements are met; 1: one is not, or the test failed; 2: the arguments
/// are invalid.
#[derive(Parser)]
#[command(name = "loadtest")]
struct Arguments {
    #[command(subcommand)]
    test: Test,
    /// Print JSON; progress goes to standard error.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Test {
    LoginFlood(login_flood::Arguments),
    RefreshChaos(refresh_chaos::Arguments),
    LoginTiming(login_timing::Arguments),
    RevocationLatency(revocation_latency::Arguments),
}

impl Test {
    const fn name(&self) -> &'static str {
        match self {
            Self::LoginFlood(_) => "login-flood",
            Self::RefreshChaos(_) => "refresh-chaos",
            Self::LoginTiming(_) => "login-timing",
            Self::RevocationLatency(_) => "revocation-latency",
        }
    }

    const fn databases(&self) -> &'static [DatabaseKind] {
        match self {
            Self::LoginFlood(arguments) => arguments.server.database.kinds(),
            Self::RefreshChaos(arguments) => arguments.server.database.kinds(),
            Self::LoginTiming(_) | Self::RevocationLatency(_) => DatabaseKind::ALL,
        }
    }

    /// Runs the test on each database.
    async fn run(&self, output: &Output) -> anyhow::Result<Report> {
        let mut report = Report::new(self.name(), HostInfo::measure()?);
        output.print(&report.heading());
        for kind in self.databases() {
            let (kind, output) = (*kind, &output.on(*kind));
            let result = match self {
                Self::LoginFlood(arguments) => login_flood::run(arguments, kind, output).await?,
                Self::RefreshChaos(arguments) => {
                    refresh_chaos::run(arguments, kind, output).await?
                }
                Self::LoginTiming(arguments) => login_timing::run(arguments, kind, output).await?,
                Self::RevocationLatency(arguments) => {
                    revocation_latency::run(arguments, kind, output).await?
                }
            };
            output.print(&result.to_text());
            report.results.push(result);
        }
        Ok(report)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { test, json } = Arguments::parse();
    let output = Output::new(json);
    let mut terminate = signal(SignalKind::terminate()).expect("signals");
    let result = tokio::select! {
        result = test.run(&output) => result,
        _ = terminate.recv() => Err(anyhow::anyhow!("stopped")),
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    match result {
        Ok(report) => {
            output.print_json(&report.to_json());
            output.print(&report.summary());
            if report.is_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            output.print_error(&format!("\nerror: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
