//! Measures how a flood of log-ins affects other clients. `script/login-flood` builds the server
//! and runs this program.
//!
//! Password hashing is expensive by design, so a flood of log-ins could block the server. Here,
//! many attackers log in, each with its own IP address, so that no limit per address stops them;
//! they share the cores with the server. [`probes`] measure other requests before, during and after
//! the flood. All of them must be served, however slowly.

mod account;
mod attackers;
mod http_client;
mod probes;
mod report;
mod server_process;
mod timeline;

use account::{Account, client_ip};
use attackers::Attack;
use clap::{Parser, ValueEnum};
use countersign_core::testing::TestDatabase;
use http_client::HttpClient;
use probes::Probe;
use report::MEMORY_ROWS;
use serde_json::json;
use server_process::ServerProcess;
use std::{
    collections::BTreeMap, io::Write, path::PathBuf, process::ExitCode, sync::Arc, thread,
    time::Duration,
};
use timeline::Timeline;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep},
};

/// Floods a server with log-ins and measures other requests.
#[derive(Parser)]
struct Arguments {
    /// Path of the server program.
    #[arg(long)]
    server: PathBuf,
    /// Number of clients that log in continuously.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(10..=1500))]
    clients: u32,
    /// Duration of the flood in seconds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,
    /// The database. `PostgreSQL` is that of `TEST_POSTGRES_URL`.
    #[arg(long, value_enum, default_value = "both")]
    database: Choice,
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

/// Runs all measurements. Returns whether they passed.
async fn all(arguments: &Arguments) -> anyhow::Result<bool> {
    let (mut results, mut failed) = (Vec::new(), 0);
    for database in [Choice::Sqlite, Choice::Postgres] {
        if matches!(arguments.database, Choice::Both) || arguments.database == database {
            let (result, clean) = run(arguments, database).await?;
            results.push(result);
            failed += usize::from(!clean);
        }
    }
    let passed = results.len() - failed;
    if arguments.json {
        writeln!(std::io::stdout(), "{:#}", json!({ "results": results }))?;
    }
    arguments.print_progress(&format!(
        "test result: {}. {passed} passed; {failed} failed",
        if failed == 0 { "ok" } else { "FAILED" }
    ));
    Ok(failed == 0)
}

async fn run(arguments: &Arguments, choice: Choice) -> anyhow::Result<(serde_json::Value, bool)> {
    let (name, database) = match choice {
        Choice::Postgres => ("postgres", TestDatabase::postgres().await),
        _ => ("sqlite", TestDatabase::sqlite()),
    };
    let process = ServerProcess::start(&arguments.server, &database.url).await?;
    let server = process.address;
    // Memory usage has settled by then.
    sleep(Duration::from_secs(1)).await;
    let (idle, _) = process.memory()?;
    let bound = process.memory_bound(idle)?;

    arguments.print_progress(&format!("    {name}: creating accounts"));
    // Client numbers: attackers come first.
    let mut next = arguments.clients;
    let mut accounts = Vec::new();
    for probe in Probe::ALL {
        for number in 0..probe.schedule().0 {
            accounts.push((probe, number, Account::sign_up(server, next).await?));
            next += 1;
        }
    }
    let owners: Vec<_> = accounts
        .iter()
        .filter(|(probe, ..)| *probe == Probe::KnownBrowser)
        .map(|(.., account)| account.email.clone())
        .collect();
    let mut owners = owners.into_iter().cycle();
    let mut attackers = Vec::new();
    for number in 0..arguments.clients {
        let kind = Attack::for_client(number);
        let email = match kind {
            Attack::UnknownAccount => String::new(),
            Attack::WrongPassword => owners.next().unwrap_or_default(),
            Attack::CorrectPassword => Account::sign_up(server, number).await?.email,
        };
        attackers.push((kind, HttpClient::new(server, client_ip(number)), email));
    }

    let timeline = Arc::new(Timeline::new(server, Duration::from_secs(arguments.seconds.into())));
    let mut all = JoinSet::new();
    for (probe, number, account) in accounts {
        all.spawn(probe.run(timeline.clone(), number, account));
    }
    for (kind, client, email) in attackers {
        all.spawn(attackers::flood(timeline.clone(), kind, client, email));
    }
    let disconnects = tokio::spawn(attackers::send_and_disconnect(timeline.clone(), next));
    let mut phases = [0; 3];
    while Instant::now() < timeline.end() {
        let (now, _) = process.memory()?;
        let phase = &mut phases[timeline.phase(Instant::now()) as usize];
        *phase = now.max(*phase);
        sleep(Duration::from_millis(100)).await;
    }
    all.join_all().await;
    let (hung_up, (_, highest)) = (disconnects.await?, process.memory()?);
    if highest > bound {
        timeline.fail(format!("memory usage reached {highest} KiB, the limit is {bound} KiB"));
    }
    let [calm, flood, after] = phases;
    let mib =
        MEMORY_ROWS.iter().zip([idle, calm, flood, after, highest, bound].map(|kib| kib / 1024));
    let mut figures = report::figures(&timeline);
    figures["database"] = name.into();
    figures["cores"] = thread::available_parallelism()?.get().into();
    figures["hashing"] = json!(process.hashing);
    figures["clients"] = arguments.clients.into();
    figures["hung_up"] = hung_up.into();
    figures["mib"] = json!(mib.collect::<BTreeMap<_, _>>());
    arguments.print_progress(&report::text(&figures));
    let failures = timeline.failures();
    for failure in &failures {
        arguments.print_progress(&format!("    FAILURE: {failure}"));
    }
    if !failures.is_empty() {
        arguments.print_progress(&process.log_tail());
    }
    process.stop().await?;
    Ok((figures, failures.is_empty()))
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
