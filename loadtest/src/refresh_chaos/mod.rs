//! A chaos test of refresh tokens: servers are killed repeatedly while clients with several tabs
//! and an unreliable network refresh, and some tokens are stolen.
//!
//! It tests two guarantees. [`honest_client`]: honest clients are never logged out, whatever
//! happens to them and to the servers. [`token_thief`]: a replay of a stolen token ends its session
//! if it must be detected, which [`expectations`] predicts.

mod connection_pool;
mod context;
mod counters;
mod event_log;
mod expectations;
mod fleet;
mod honest_client;
mod outcomes;
mod process_killer;
mod rng;
mod token_jar;
mod token_thief;

use crate::{
    database::DatabaseKind,
    latencies::round,
    output::Output,
    report::{DatabaseReport, Measurement},
    server_process::ServerArguments,
};
use anyhow::bail;
use clap::Args;
use context::{GRACE, RunContext};
use counters::{Counter, Failure};
use fleet::Fleet;
use honest_client::HonestClient;
use rng::Rng;
use std::{sync::Arc, time::Duration};
use token_thief::TokenThief;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Stress refresh token rotation with process kills, lost responses and copied tokens.
///
/// Fails if an honest client is logged out, if a replay is not detected, if a server answers with
/// an error, or if no refresh succeeds for 30 seconds.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    /// Number of refreshes on each database.
    #[arg(
        long,
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000),
    )]
    refreshes: u32,
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
}

/// Maximum time without a refresh.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The interval of kills if there are none.
const NEVER: Duration = Duration::from_secs(4_000_000_000);

pub(crate) async fn run(
    arguments: &Arguments,
    database: DatabaseKind,
    output: &Output,
) -> anyhow::Result<DatabaseReport> {
    let test_database = database.create().await;
    let default_servers = if database == DatabaseKind::Postgres { 2 } else { 1 };
    let servers = usize::from(arguments.servers.unwrap_or(default_servers));
    let folder = tempfile::Builder::new().prefix("countersign-chaos-").tempdir()?;
    let rng = Rng::new(arguments.seed);
    let binary = &arguments.server.server;
    let fleet = Fleet::start(binary, folder.path(), &test_database.url, servers, GRACE).await?;
    let permits = usize::from(arguments.at_a_time);
    let context = Arc::new(RunContext::new(fleet, permits, output.clone()));

    let honest = sign_up_clients(arguments, &context, &rng, output).await;
    let began = Instant::now();
    let mut clients = JoinSet::new();
    let mut thieves = JoinSet::new();
    for client in honest {
        clients.spawn(client.run());
    }
    for _ in 0..arguments.clients.div_ceil(10) {
        thieves.spawn(TokenThief::new(context.clone(), rng.split()).run());
    }
    let interval = match arguments.kill_every {
        0 => NEVER,
        seconds => Duration::from_secs(seconds.into()),
    };
    let mut killer = tokio::spawn(process_killer::run(context.clone(), rng.split(), interval));
    tokio::select! {
        ended = &mut killer => { ended??; bail!("the process killer ended early") }
        result = watch(arguments, &context, output) => result?,
    }
    let (took, refreshes) = (began.elapsed(), context.counters.refreshes());
    context.end();
    let stage = "verifying the session of each honest client";
    let progress = output.start_progress(stage, arguments.clients.into());
    killer.await??;
    thieves.join_all().await;
    for client in clients.join_all().await {
        client.verify_session().await;
        progress.advance();
    }
    drop(progress);
    context.fleet.stop().await?;

    let mut report = DatabaseReport::new(database);
    report.set("servers", &servers);
    report.set("honest clients", &arguments.clients);
    report.set("concurrent requests", &arguments.at_a_time);
    report.set("seconds between kills", &arguments.kill_every);
    report.set("grace period in seconds", &GRACE.as_secs());
    report.set("seed", &arguments.seed);
    report.add(Measurement::count("refreshes", refreshes));
    report.add(Measurement::number("duration", "s", round(took.as_secs_f64(), 1)));
    report.add(Measurement::number("rate of refreshes", "per second", rate(refreshes, took)));
    report.add(Measurement::latencies("duration of a refresh", &context.counters.latencies()));
    context.counters.add_to(&mut report);
    if !report.is_passed() {
        output.print(&format!("the server logs are in {}", folder.keep().display()));
    }
    Ok(report)
}

async fn sign_up_clients(
    arguments: &Arguments,
    context: &Arc<RunContext>,
    rng: &Rng,
    output: &Output,
) -> Vec<HonestClient> {
    let progress = output.start_progress("signing up clients", arguments.clients.into());
    let mut clients = JoinSet::new();
    for _ in 0..arguments.clients {
        clients.spawn(HonestClient::sign_up(context.clone(), rng.split()));
    }
    let mut honest = Vec::new();
    while let Some(client) = clients.join_next().await {
        honest.push(client.expect("a client does not panic"));
        progress.advance();
    }
    honest
}

/// Waits until the wanted number of refreshes is reached.
async fn watch(arguments: &Arguments, context: &RunContext, output: &Output) -> anyhow::Result<()> {
    let wanted = u64::from(arguments.refreshes);
    let progress = output.start_progress("refreshes", wanted);
    let (began, counters) = (Instant::now(), &context.counters);
    let (mut last, mut last_at) = (0, began);
    loop {
        sleep(Duration::from_millis(50)).await;
        let refreshes = counters.refreshes();
        if refreshes >= wanted {
            return Ok(());
        }
        if refreshes > last {
            (last, last_at) = (refreshes, Instant::now());
        } else if last_at.elapsed() > STALL_TIMEOUT {
            let (seconds, log) = (STALL_TIMEOUT.as_secs(), context.fleet.log_tail().await);
            bail!("no refresh for {seconds} s:\n{log}");
        }
        let lost_responses: u64 =
            [Counter::Discarded, Counter::ClientDisconnected, Counter::ConnectionLost]
                .map(|counter| counters.of(counter))
                .iter()
                .sum();
        let details = format!(
            "{:.0} per second; {lost_responses} responses lost, {} kills, {} of {} replays \
             detected; {} log-outs of honest clients",
            rate(refreshes, began.elapsed()),
            counters.of(Counter::Kills),
            counters.of(Counter::Detected),
            counters.of(Counter::ExpectedDetections),
            counters.failures_of(Failure::LogOut),
        );
        progress.set(refreshes, &details);
    }
}

/// Returns the rate per second.
fn rate(refreshes: u64, took: Duration) -> f64 {
    round(f64::from(u32::try_from(refreshes).unwrap_or(u32::MAX)) / took.as_secs_f64(), 0)
}
