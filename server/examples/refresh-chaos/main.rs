//! A chaos test of refresh tokens: servers are killed repeatedly while clients with several tabs
//! and an unreliable network refresh, and some tokens are stolen.
//!
//! It tests two guarantees. [`honest_client`]: honest clients are never logged out, whatever
//! happens to them and to the servers. [`token_thief`]: a replay of a stolen token ends its session
//! if it must be detected, which [`expectations`] predicts.
//!
//! `script/refresh-chaos` builds the server and runs this program.

mod api;
mod context;
mod counters;
mod event_log;
mod expectations;
mod fleet;
mod honest_client;
mod host_info;
mod http_client;
mod process_killer;
mod report;
mod rng;
mod token_jar;
mod token_thief;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use context::{GRACE, RunContext};
use counters::{Counter, Failure};
use countersign_core::testing::TestDatabase;
use fleet::{Fleet, FleetConfig};
use honest_client::HonestClient;
use host_info::HostInfo;
use report::Report;
use rng::Rng;
use serde_json::json;
use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use token_thief::TokenThief;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep},
};

/// Runs servers with kills, lost responses and stolen tokens, and counts failures.
#[derive(Parser)]
struct Arguments {
    /// Path of the server program.
    #[arg(long)]
    server: PathBuf,
    /// Number of refreshes on each database.
    #[arg(
        long,
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000),
    )]
    refreshes: u32,
    /// The database. `PostgreSQL` is that of `TEST_POSTGRES_URL`.
    #[arg(long, value_enum, default_value = "both")]
    database: Choice,
    /// Number of servers on the database. Default: 1 on SQLite, 2 on `PostgreSQL`.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=9))]
    servers: Option<u8>,
    /// Seed of the random numbers. The timing of events still varies.
    #[arg(long)]
    seed: u64,
    /// Number of honest clients. The number of stolen tokens is a tenth of it.
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    clients: u16,
    /// Maximum number of concurrent requests.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(3..=1000))]
    at_a_time: u16,
    /// Average interval between two kills in seconds; 0 for none.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=3600))]
    kill_every: u16,
    /// Print JSON; progress goes to standard error.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Sqlite,
    Postgres,
    Both,
}

/// Interval of progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// Maximum time without a refresh.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate()).expect("signals");
    let result = tokio::select! {
        result = all(&arguments) => result,
        _ = terminate.recv() => Err(anyhow::anyhow!("stopped")),
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the test on all databases. Returns whether it passed.
async fn all(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut results = Vec::new();
    let mut clean = true;
    for database in [Choice::Sqlite, Choice::Postgres] {
        if matches!(arguments.database, Choice::Both) || arguments.database == database {
            let (result, ok) = run(arguments, database).await?;
            results.push(result);
            clean &= ok;
        }
    }
    if arguments.json {
        writeln!(std::io::stdout(), "{:#}", json!({ "results": results }))?;
    }
    Ok(clean)
}

async fn run(arguments: &Arguments, choice: Choice) -> anyhow::Result<(serde_json::Value, bool)> {
    let (name, database, servers) = match choice {
        Choice::Postgres => {
            ("postgres", TestDatabase::postgres().await, arguments.servers.unwrap_or(2))
        }
        _ => ("sqlite", TestDatabase::sqlite(), arguments.servers.unwrap_or(1)),
    };
    let folder = tempfile::Builder::new().prefix("countersign-chaos-").tempdir()?;
    let machine = HostInfo::measure(folder.path())?;
    let rng = Rng::new(arguments.seed);
    let servers = usize::from(servers);
    let binary = arguments
        .server
        .canonicalize()
        .with_context(|| format!("{} doesn't exist", arguments.server.display()))?;
    let config = FleetConfig {
        binary,
        folder: folder.path().to_owned(),
        database: database.url.clone(),
        servers,
        grace: GRACE,
    };
    let context =
        Arc::new(RunContext::new(Fleet::start(config).await?, usize::from(arguments.at_a_time)));

    arguments.print_progress(&format!("    {name}: {} clients sign up", arguments.clients));
    let mut honest = JoinSet::new();
    for _ in 0..arguments.clients {
        honest.spawn(HonestClient::sign_up(context.clone(), rng.split()));
    }
    let honest = honest.join_all().await;

    let (began, wanted) = (Instant::now(), usize::try_from(arguments.refreshes)?);
    let mut clients = JoinSet::new();
    let mut thieves = JoinSet::new();
    for client in honest {
        clients.spawn(client.run());
    }
    for _ in 0..arguments.clients.div_ceil(10) {
        thieves.spawn(TokenThief::new(context.clone(), rng.split()).run());
    }
    let every = Duration::from_secs(arguments.kill_every.into());
    let mut killer = tokio::spawn(process_killer::run(
        context.clone(),
        rng.split(),
        if every.is_zero() { Duration::from_secs(u32::MAX.into()) } else { every },
    ));
    tokio::select! {
        ended = &mut killer => { ended??; bail!("the process killer ended early") }
        progress = watch(arguments, name, &context, wanted) => progress?,
    }
    let (took, refreshes) = (began.elapsed(), context.counters.refreshes());
    context.end();
    arguments.print_progress(&format!(
        "    {name}: finishing; every honest client verifies its session"
    ));
    killer.await??;
    thieves.join_all().await;
    for client in clients.join_all().await {
        client.verify_session().await;
    }
    context.fleet.stop().await?;

    let counters = &context.counters;
    let report = Report {
        arguments,
        database: name,
        servers,
        seed: arguments.seed,
        machine,
        counters,
        took,
        refreshes,
    };
    arguments.print_progress(&report.to_text());
    if !counters.is_clean() {
        arguments.print_progress(&format!("the server logs are in {}", folder.keep().display()));
    }
    arguments.print_progress(&format!(
        "test result: {} ({name})",
        if counters.is_clean() { "ok. 1 passed; 0 failed" } else { "FAILED. 0 passed; 1 failed" }
    ));
    Ok((report.to_json(), counters.is_clean()))
}

/// Reports progress until the wanted number of refreshes is reached.
async fn watch(
    arguments: &Arguments,
    name: &str,
    context: &RunContext,
    wanted: usize,
) -> anyhow::Result<()> {
    let (mut reported, mut reported_at) = (0, Instant::now());
    let (mut last, mut last_at) = (0, Instant::now());
    loop {
        sleep(Duration::from_millis(50)).await;
        let refreshes = context.counters.refreshes();
        if refreshes >= wanted {
            return Ok(());
        }
        if refreshes > last {
            (last, last_at) = (refreshes, Instant::now());
        } else if last_at.elapsed() > STALL_TIMEOUT {
            bail!("no refresh for {} s:\n{}", STALL_TIMEOUT.as_secs(), context.fleet.log_tail(0));
        }
        if reported_at.elapsed() >= PROGRESS_INTERVAL {
            let counters = &context.counters;
            let rate = rate(refreshes - reported, reported_at.elapsed());
            let lost_responses: u64 =
                [Counter::Discarded, Counter::ClientDisconnected, Counter::ConnectionLost]
                    .map(|count| counters.of(count))
                    .iter()
                    .sum();
            arguments.print_progress(&format!(
                "    {name}: {refreshes} of {wanted} refreshes, {rate:.0} per second; \
                 {lost_responses} responses lost, {} kills, {} of {} replays detected; \
                 {} log-outs of honest clients",
                counters.of(Counter::Kills),
                counters.of(Counter::Detected),
                counters.of(Counter::ExpectedDetections),
                counters.failures_of(Failure::LogOut),
            ));
            (reported, reported_at) = (refreshes, Instant::now());
        }
    }
}

/// Returns the rate per second.
fn rate(refreshes: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(refreshes).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

impl Arguments {
    /// Prints progress.
    fn print_progress(&self, text: &str) {
        let _ = if self.json {
            writeln!(std::io::stderr(), "{text}")
        } else {
            writeln!(std::io::stdout(), "{text}")
        };
    }
}
