//! The servers: processes of the program on one database.

use super::rng::Rng;
use crate::server_process::{ServerProcess, ServerProgram, free_ports};
use anyhow::{Context, bail};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    time::Instant,
};

/// Identifies a process: the server, and the number of its restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ProcessRef {
    pub(super) server: usize,
    restarts: usize,
}

pub(super) struct Fleet {
    program: ServerProgram,
    servers: Vec<Server>,
    /// Notified when a server becomes ready.
    up: Notify,
}

struct Server {
    port: u16,
    process: AsyncMutex<Option<ServerProcess>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    serving: bool,
    /// Earliest exit times of the previous processes.
    exit_times: Vec<Instant>,
}

impl Fleet {
    /// Starts the servers one after another.
    pub(super) async fn start(
        binary: &Path,
        folder: &Path,
        database: &str,
        servers: usize,
        grace: Duration,
    ) -> anyhow::Result<Self> {
        let ports = free_ports(servers).await?;
        // To clients they are one server, so they have one public URL.
        let mut program = ServerProgram::new(binary, folder, database, ports[0])?;
        let secret = program.output(&["secret", "new"]).await?;
        program.set("COUNTERSIGN_SECRET", secret);
        program.set("COUNTERSIGN_REFRESH_GRACE", format!("{}s", grace.as_secs()));
        program.set("COUNTERSIGN_ACCESS_TTL", "2s");
        program.set("COUNTERSIGN_ARGON2", "m=64,t=1,p=1");
        // All clients have the same IP address.
        program.set("COUNTERSIGN_RATE_LIMITS", "off");
        let servers = ports.into_iter().map(|port| Server {
            port,
            process: AsyncMutex::default(),
            state: Mutex::default(),
        });
        let fleet = Self { program, servers: servers.collect(), up: Notify::new() };
        for server in 0..fleet.len() {
            fleet.launch(server).await?;
            fleet.wait_until_ready(server).await?;
        }
        Ok(fleet)
    }

    /// Returns the number of servers.
    pub(super) const fn len(&self) -> usize {
        self.servers.len()
    }

    pub(super) fn address(&self, process: ProcessRef) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.servers[process.server].port))
    }

    fn state(&self, server: usize) -> MutexGuard<'_, State> {
        self.servers[server].state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_alive(&self, process: ProcessRef) -> bool {
        self.state(process.server).exit_times.len() == process.restarts
    }

    /// Returns whether a process was alive for a duration after a point in time.
    pub(super) fn was_alive_for(
        &self,
        process: ProcessRef,
        after: Instant,
        span: Duration,
    ) -> bool {
        let death = self.state(process.server).exit_times.get(process.restarts).copied();
        death.unwrap_or_else(Instant::now).saturating_duration_since(after) >= span
    }

    /// Returns one of the ready servers, and waits until there is one.
    pub(super) async fn any_serving(&self, rng: &Rng) -> ProcessRef {
        loop {
            let up = self.up.notified();
            let serving: Vec<ProcessRef> = (0..self.len())
                .filter_map(|server| {
                    let state = self.state(server);
                    state.serving.then_some(ProcessRef { server, restarts: state.exit_times.len() })
                })
                .collect();
            if !serving.is_empty() {
                return serving[rng.below(serving.len())];
            }
            up.await;
        }
    }

    /// Starts a process without waiting until it is ready.
    pub(super) async fn launch(&self, server: usize) -> anyhow::Result<()> {
        let Server { port, process, .. } = &self.servers[server];
        *process.lock().await = Some(self.program.launch(*port)?);
        Ok(())
    }

    /// Waits until a server is ready, and makes it available to clients.
    pub(super) async fn wait_until_ready(&self, server: usize) -> anyhow::Result<()> {
        let mut process = self.servers[server].process.lock().await;
        process.as_mut().context("the server was not started")?.wait_until_ready().await?;
        self.state(server).serving = true;
        self.up.notify_waiters();
        Ok(())
    }

    /// Kills a server with SIGKILL.
    pub(super) async fn kill(&self, server: usize) -> anyhow::Result<()> {
        let mut process = self.take(server).await?;
        if let Some(status) = process.exit_status()? {
            let log = process.log_tail();
            bail!("server {server} ended by itself ({status}):\n{log}");
        }
        {
            let mut state = self.state(server);
            state.serving = false;
            state.exit_times.push(Instant::now());
        }
        process.kill().await
    }

    /// Sends SIGTERM to all servers and waits for a graceful shutdown.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        for server in 0..self.len() {
            let process = self.take(server).await?;
            process.stop().await.with_context(|| format!("server {server}"))?;
        }
        Ok(())
    }

    async fn take(&self, server: usize) -> anyhow::Result<ServerProcess> {
        self.servers[server].process.lock().await.take().context("the server was not started")
    }

    /// Returns the last lines of the log of the first server.
    pub(super) async fn log_tail(&self) -> String {
        let process = self.servers[0].process.lock().await;
        process.as_ref().map(ServerProcess::log_tail).unwrap_or_default()
    }
}
