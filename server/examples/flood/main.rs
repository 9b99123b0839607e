//! A flood of log-ins, and what those notice of it who only use the server: `script/flood` builds
//! the server and runs this.
//!
//! Hashing is dear on purpose, so whoever sends passwords without end could take the server with
//! it. Here a crowd does, each client with an address of its own, so that no limit by address keeps
//! it off; and the cores are shared with it. [`probes`] watch in the calm before, in the flood and
//! after it: all of them must be served, however slowly.

mod crowd;
mod person;
mod probes;
mod report;
mod stage;
mod target;
mod wire;

use clap::{Parser, ValueEnum};
use countersign_core::testing::FreshDatabase;
use crowd::Kind;
use person::{Person, address};
use probes::Probe;
use report::MEMORY;
use serde_json::json;
use stage::Stage;
use std::{
    collections::BTreeMap, io::Write, path::PathBuf, process::ExitCode, sync::Arc, thread,
    time::Duration,
};
use target::Target;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep},
};
use wire::Line;

/// Floods a server with log-ins, and watches what others notice of it.
#[derive(Parser)]
struct Arguments {
    /// The program to start.
    #[arg(long)]
    server: PathBuf,
    /// How many clients log in without a pause.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(10..=1500))]
    clients: u32,
    /// How long they do.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,
    /// On which database. `PostgreSQL` is that of `TEST_POSTGRES_URL`.
    #[arg(long, value_enum, default_value = "both")]
    database: Choice,
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
    arguments.say(&format!(
        "test result: {}. {passed} passed; {failed} failed",
        if failed == 0 { "ok" } else { "FAILED" }
    ));
    Ok(failed == 0)
}

async fn run(arguments: &Arguments, choice: Choice) -> anyhow::Result<(serde_json::Value, bool)> {
    let (name, database) = match choice {
        Choice::Postgres => ("postgres", FreshDatabase::postgres().await),
        _ => ("sqlite", FreshDatabase::sqlite()),
    };
    let target = Target::start(&arguments.server, &database.url).await?;
    let server = target.address;
    // It has settled by then.
    sleep(Duration::from_secs(1)).await;
    let (idle, _) = target.memory()?;
    let bound = target.bound(idle)?;

    arguments.say(&format!("    {name}: everybody signs up who is to have an account"));
    // Numbers of addresses: first those of the flood.
    let mut next = arguments.clients;
    let mut people = Vec::new();
    for probe in Probe::ALL {
        for number in 0..probe.rhythm().0 {
            people.push((probe, number, Person::sign_up(server, next).await?));
            next += 1;
        }
    }
    let owners: Vec<_> = people
        .iter()
        .filter(|(probe, ..)| *probe == Probe::Owner)
        .map(|(.., person)| person.email.clone())
        .collect();
    let mut owners = owners.into_iter().cycle();
    let mut crowd = Vec::new();
    for number in 0..arguments.clients {
        let kind = Kind::of(number);
        let email = match kind {
            Kind::Unknown => String::new(),
            Kind::Wrong => owners.next().unwrap_or_default(),
            Kind::Right => Person::sign_up(server, number).await?.email,
        };
        crowd.push((kind, Line::new(server, address(number)), email));
    }

    let stage = Arc::new(Stage::new(server, Duration::from_secs(arguments.seconds.into())));
    let mut all = JoinSet::new();
    for (probe, number, person) in people {
        all.spawn(probe.live(stage.clone(), number, person));
    }
    for (kind, line, email) in crowd {
        all.spawn(crowd::rage(stage.clone(), kind, line, email));
    }
    let hang_ups = tokio::spawn(crowd::hang_up(stage.clone(), next));
    let mut phases = [0; 3];
    while Instant::now() < stage.ends() {
        let (now, _) = target.memory()?;
        let phase = &mut phases[stage.phase(Instant::now()) as usize];
        *phase = now.max(*phase);
        sleep(Duration::from_millis(100)).await;
    }
    all.join_all().await;
    let (hung_up, (_, highest)) = (hang_ups.await?, target.memory()?);
    if highest > bound {
        stage.fault(format!("the memory went up to {highest} KiB, and may be {bound} KiB at most"));
    }
    let [calm, flood, after] = phases;
    let mib = MEMORY.iter().zip([idle, calm, flood, after, highest, bound].map(|kib| kib / 1024));
    let mut figures = report::figures(&stage);
    figures["database"] = name.into();
    figures["cores"] = thread::available_parallelism()?.get().into();
    figures["hashing"] = json!(target.hashing);
    figures["clients"] = arguments.clients.into();
    figures["hung_up"] = hung_up.into();
    figures["mib"] = json!(mib.collect::<BTreeMap<_, _>>());
    arguments.say(&report::text(&figures));
    let faults = stage.faults();
    for fault in &faults {
        arguments.say(&format!("    FAULT: {fault}"));
    }
    if !faults.is_empty() {
        arguments.say(&target.last_words());
    }
    target.stop().await?;
    Ok((figures, faults.is_empty()))
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
