//! Chaos for refresh tokens: real servers that are killed again and again, clients with tabs and
//! bad lines, and thieves.
//!
//! Two things are promised, and each has a population that watches it. [`honest`] clients are never
//! logged out, whatever they and the servers go through. A replay that the promise covers ends its
//! session; which ones those are, [`ledger`] knows, and [`thief`] tries.
//!
//! `script/chaos` builds the server and runs this.

mod api;
mod dice;
mod fleet;
mod honest;
mod jar;
mod journal;
mod killer;
mod ledger;
mod machine;
mod report;
mod stage;
mod tally;
mod thief;
mod wire;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use countersign_core::testing::FreshDatabase;
use dice::Dice;
use fleet::{Fleet, Plan};
use honest::Honest;
use machine::Machine;
use report::Report;
use serde_json::json;
use stage::{GRACE, Stage};
use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tally::{Count, Fault};
use thief::Thief;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep},
};

/// Drives a server through kills, lost answers and theft, and counts whom it wrongs.
#[derive(Parser)]
struct Arguments {
    /// The program to start.
    #[arg(long)]
    server: PathBuf,
    /// How many refreshes there are to be, on each database.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    refreshes: u32,
    /// On which database. `PostgreSQL` is that of `TEST_POSTGRES_URL`.
    #[arg(long, value_enum, default_value = "both")]
    database: Choice,
    /// How many servers share the database (1 on SQLite and 2 on `PostgreSQL` unless given).
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=9))]
    servers: Option<u8>,
    /// Where chance begins. The moments at which things happen differ all the same.
    #[arg(long)]
    seed: u64,
    /// How many honest clients there are. Thieves are a tenth as many.
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    clients: u16,
    /// How many requests are under way at a time.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(3..=1000))]
    at_a_time: u16,
    /// So many seconds pass between two kills, on average. 0: nobody is killed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=3600))]
    kill_every: u16,
    /// Print the figures as JSON; progress goes to standard error.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Sqlite,
    Postgres,
    Both,
}

/// Progress is shown so often.
const SHOWN: Duration = Duration::from_secs(5);
/// A run in which nothing is renewed for so long has failed.
const STANDSTILL: Duration = Duration::from_secs(30);

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
            let _nobody_reads = writeln!(std::io::stderr(), "\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was as promised.
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
            ("postgres", FreshDatabase::postgres().await, arguments.servers.unwrap_or(2))
        }
        _ => ("sqlite", FreshDatabase::sqlite(), arguments.servers.unwrap_or(1)),
    };
    let folder = tempfile::Builder::new().prefix("countersign-chaos-").tempdir()?;
    let machine = Machine::look(folder.path())?;
    let dice = Dice::new(arguments.seed);
    let servers = usize::from(servers);
    let binary = arguments
        .server
        .canonicalize()
        .with_context(|| format!("there is no {}", arguments.server.display()))?;
    let plan = Plan {
        binary,
        folder: folder.path().to_owned(),
        database: database.url.clone(),
        servers,
        grace: GRACE,
    };
    let stage = Arc::new(Stage::new(Fleet::start(plan).await?, usize::from(arguments.at_a_time)));

    arguments.say(&format!("    {name}: {} clients sign up", arguments.clients));
    let mut honest = JoinSet::new();
    for _ in 0..arguments.clients {
        honest.spawn(Honest::sign_up(stage.clone(), dice.split()));
    }
    let honest = honest.join_all().await;

    let (began, wanted) = (Instant::now(), usize::try_from(arguments.refreshes)?);
    let mut clients = JoinSet::new();
    let mut thieves = JoinSet::new();
    for client in honest {
        clients.spawn(client.live());
    }
    for _ in 0..arguments.clients.div_ceil(10) {
        thieves.spawn(Thief::new(stage.clone(), dice.split()).live());
    }
    let every = Duration::from_secs(arguments.kill_every.into());
    let mut killer = tokio::spawn(killer::kill(
        stage.clone(),
        dice.split(),
        if every.is_zero() { Duration::from_secs(u32::MAX.into()) } else { every },
    ));
    tokio::select! {
        ended = &mut killer => { ended??; bail!("the killing ended before its time") }
        progress = watch(arguments, name, &stage, wanted) => progress?,
    }
    let (took, renewals) = (began.elapsed(), stage.tally.renewals());
    stage.end();
    arguments
        .say(&format!("    {name}: all come to an end, and every honest client looks once more"));
    killer.await??;
    thieves.join_all().await;
    for client in clients.join_all().await {
        client.look_once_more().await;
    }
    stage.fleet.stop().await?;

    let tally = &stage.tally;
    let report = Report {
        arguments,
        database: name,
        servers,
        seed: arguments.seed,
        machine,
        tally,
        took,
        renewals,
    };
    arguments.say(&report.to_text());
    if !tally.is_clean() {
        arguments.say(&format!("the logs of the servers stay in {}", folder.keep().display()));
    }
    arguments.say(&format!(
        "test result: {} ({name})",
        if tally.is_clean() { "ok. 1 passed; 0 failed" } else { "FAILED. 0 passed; 1 failed" }
    ));
    Ok((report.to_json(), tally.is_clean()))
}

/// Shows progress until there were as many refreshes as wanted.
async fn watch(
    arguments: &Arguments,
    name: &str,
    stage: &Stage,
    wanted: usize,
) -> anyhow::Result<()> {
    let (mut shown, mut shown_at) = (0, Instant::now());
    let (mut last, mut last_at) = (0, Instant::now());
    loop {
        sleep(Duration::from_millis(50)).await;
        let renewals = stage.tally.renewals();
        if renewals >= wanted {
            return Ok(());
        }
        if renewals > last {
            (last, last_at) = (renewals, Instant::now());
        } else if last_at.elapsed() > STANDSTILL {
            bail!(
                "nothing has been renewed for {} s:\n{}",
                STANDSTILL.as_secs(),
                stage.fleet.last_words(0)
            );
        }
        if shown_at.elapsed() >= SHOWN {
            let tally = &stage.tally;
            let rate = rate(renewals - shown, shown_at.elapsed());
            let unheard: u64 = [Count::Ignored, Count::HungUp, Count::Broken]
                .map(|count| tally.of(count))
                .iter()
                .sum();
            arguments.say(&format!(
                "    {name}: {renewals} of {wanted} refreshes, {rate:.0} per second; {unheard} answers lost, {} kills, {} of {} covered replays caught; {} honest log-outs",
                tally.of(Count::Kills),
                tally.of(Count::CaughtReplays),
                tally.of(Count::CoveredReplays),
                tally.faults_of(Fault::LogOut),
            ));
            (shown, shown_at) = (renewals, Instant::now());
        }
    }
}

/// How many that is in a second.
fn rate(renewals: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(renewals).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

impl Arguments {
    /// To whoever watches.
    fn say(&self, text: &str) {
        let _nobody_reads = if self.json {
            writeln!(std::io::stderr(), "{text}")
        } else {
            writeln!(std::io::stdout(), "{text}")
        };
    }
}
