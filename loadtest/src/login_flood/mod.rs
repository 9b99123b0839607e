//! Measures how a flood of log-ins affects other clients.
//!
//! Password hashing is expensive by design, so a flood of log-ins could block the server. Here,
//! many attackers log in, each with its own IP address, so that no limit per address stops them;
//! they share the cores with the server. [`probes`] measure other requests before, during and after
//! the flood. All of them must be served, however slowly.

mod attackers;
mod client;
mod probes;
mod scenario;
mod server;
mod timeline;

use crate::{
    database::DatabaseKind,
    output::Output,
    report::{DatabaseReport, Measurement},
    server_process::{ServerArguments, ServerProcess},
};
use attackers::DISCONNECTS;
use clap::Args;
use client::{Account, Client, client_ip};
use scenario::{Attack, Phase, Probe};
use server::FloodServer;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use timeline::Timeline;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Flood a server with log-ins and measure the effect on other clients.
///
/// Fails if a request of another client fails, if a response has an unexpected status, or if the
/// server exceeds its memory limit. Linux only.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    /// Number of clients that log in continuously.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(10..=1500))]
    clients: u32,
    /// Duration of the flood in seconds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,
}

/// The clients of the test. Their numbers determine their IP addresses; attackers come first.
struct Clients {
    probes: Vec<(Probe, u32, Account)>,
    attackers: Vec<(Attack, Client, String)>,
    /// The first number that is not used.
    next: u32,
}

pub(crate) async fn run(
    arguments: &Arguments,
    database: DatabaseKind,
    output: &Output,
) -> anyhow::Result<DatabaseReport> {
    let test_database = database.create().await;
    let server = FloodServer::start(&arguments.server.server, &test_database.url).await?;
    let process = &server.process;
    // Memory usage has settled by then.
    sleep(Duration::from_secs(1)).await;
    let (idle, _) = process.memory()?;
    let limit = server.memory_limit(idle)?;
    let clients = Clients::sign_up(arguments, server.address, output).await?;
    let duration = Duration::from_secs(arguments.seconds.into());
    let timeline = Arc::new(Timeline::new(server.address, duration));
    let mut tasks = JoinSet::new();
    for (probe, number, account) in clients.probes {
        tasks.spawn(probe.run(timeline.clone(), number, account));
    }
    for (kind, client, email) in clients.attackers {
        tasks.spawn(attackers::flood(timeline.clone(), kind, client, email));
    }
    let disconnects = tokio::spawn(attackers::send_and_disconnect(timeline.clone(), clients.next));
    let phases = watch_memory(process, &timeline, output).await?;
    tasks.join_all().await;
    let (disconnected, (_, highest)) = (disconnects.await?, process.memory()?);

    let mut report = DatabaseReport::new(database);
    report.set("clients", &arguments.clients);
    report.set("seconds", &arguments.seconds);
    for (name, value) in &server.hashing {
        report.set(name, value);
    }
    timeline.add_to(&mut report);
    report.add(Measurement::counts(
        "clients that disconnect early",
        "",
        [("planned", DISCONNECTS.into()), ("disconnected", disconnected.into())],
    ));
    let memory = Phase::ALL.iter().map(|(phase, name)| (*name, mib(phases[*phase as usize])));
    report.add(
        Measurement::numbers(
            "memory",
            "MiB",
            [("idle", mib(idle))].into_iter().chain(memory).chain([("highest", mib(highest))]),
        )
        .at_most(mib(limit)),
    );
    if !report.is_passed() {
        output.print(&process.log_tail());
    }
    server.process.stop().await?;
    Ok(report)
}

impl Clients {
    async fn sign_up(
        arguments: &Arguments,
        server: SocketAddr,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let probes = Probe::ALL
            .iter()
            .flat_map(|probe| (0..probe.schedule().0).map(|number| (*probe, number)));
        let probes: Vec<_> = probes.zip(arguments.clients..).collect();
        let next = arguments.clients + u32::try_from(probes.len())?;
        let progress = output.start_progress("creating accounts", next.into());
        let mut accounts = Vec::new();
        for ((probe, number), client) in probes {
            accounts.push((probe, number, Account::sign_up(server, client).await?));
            progress.advance();
        }
        let owners = accounts.iter().filter(|(probe, ..)| *probe == Probe::DeviceCookie);
        let mut owners = owners.map(|(.., account)| account.email.clone()).cycle();
        let mut attackers = Vec::new();
        for number in 0..arguments.clients {
            let kind = Attack::for_client(number);
            let email = match kind {
                Attack::UnknownAccount => String::new(),
                Attack::WrongPassword => owners.next().unwrap_or_default(),
                Attack::CorrectPassword => Account::sign_up(server, number).await?.email,
            };
            attackers.push((kind, Client::new(server, client_ip(number)), email));
            progress.advance();
        }
        drop(owners);
        Ok(Self { probes: accounts, attackers, next })
    }
}

/// Waits until the end of the test. Returns the maximum memory usage in each phase in KiB.
async fn watch_memory(
    process: &ServerProcess,
    timeline: &Timeline,
    output: &Output,
) -> anyhow::Result<[u64; 3]> {
    let seconds = (timeline.end() - timeline.began).as_secs();
    let progress = output.start_progress("seconds", seconds);
    let mut phases = [0; 3];
    while Instant::now() < timeline.end() {
        let (now, _) = process.memory()?;
        let phase = timeline.phase(Instant::now());
        let highest = &mut phases[phase as usize];
        *highest = now.max(*highest);
        progress.set(timeline.began.elapsed().as_secs(), Phase::ALL[phase as usize].1);
        sleep(Duration::from_millis(100)).await;
    }
    Ok(phases)
}

/// Converts KiB to MiB.
fn mib(kib: u64) -> f64 {
    u32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1024.0
}
