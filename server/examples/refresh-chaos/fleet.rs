//! The servers: processes of the actual program on one database.

use crate::rng::Rng;
use anyhow::{Context, bail, ensure};
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, Notify},
    time::{Instant, sleep, timeout},
};

/// Maximum time for a start or a graceful shutdown.
const START_STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Identifies a process: the server, and the number of its restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcessRef {
    pub(crate) server: usize,
    restarts: usize,
}

pub(crate) struct Fleet {
    binary: PathBuf,
    folder: PathBuf,
    settings: BTreeMap<&'static str, String>,
    servers: Vec<Server>,
    /// Notified when a server becomes ready.
    up: Notify,
}

struct Server {
    port: u16,
    process: AsyncMutex<Option<Child>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    serving: bool,
    /// Earliest exit times of the previous processes.
    exit_times: Vec<Instant>,
}

/// The configuration of the servers.
pub(crate) struct FleetConfig {
    pub(crate) binary: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) database: String,
    pub(crate) servers: usize,
    pub(crate) grace: Duration,
}

impl Fleet {
    /// Starts the servers one after another.
    pub(crate) async fn start(config: FleetConfig) -> anyhow::Result<Self> {
        let FleetConfig { binary, folder, database, servers: count, grace } = config;
        let mut servers = Vec::new();
        for _ in 0..count {
            let port = free_port(servers.iter().map(|server: &Server| server.port).collect()).await;
            servers.push(Server { port, process: AsyncMutex::default(), state: Mutex::default() });
        }
        let mut settings = BTreeMap::from([
            ("DATABASE_URL", database),
            (
                "COUNTERSIGN_SECRET",
                command_output(&binary, &["secret", "new"], &BTreeMap::new(), &folder).await?,
            ),
            // To clients they are one server, so they have one public URL.
            ("COUNTERSIGN_PUBLIC_URL", format!("http://localhost:{}", servers[0].port)),
            ("COUNTERSIGN_REFRESH_GRACE", format!("{}s", grace.as_secs())),
            ("COUNTERSIGN_ACCESS_TTL", "2s".to_owned()),
            ("COUNTERSIGN_ARGON2", "m=64,t=1,p=1".to_owned()),
            ("COUNTERSIGN_RATE_LIMITS", "off".to_owned()),
            ("LEPTOS_SITE_ROOT", folder.display().to_string()),
            ("RUST_LOG", "error".to_owned()),
        ]);
        // All clients have the same IP address.
        let effective: BTreeMap<String, String> = serde_json::from_str(
            &command_output(&binary, &["config", "--json"], &settings, &folder).await?,
        )?;
        if effective.contains_key("COUNTERSIGN_RATE_LIMITS") {
            settings.insert("COUNTERSIGN_RATE_LIMITS", "off".to_owned());
        }
        let fleet = Self { binary, folder, settings, servers, up: Notify::new() };
        for server in 0..count {
            fleet.launch(server).await?;
            fleet.wait_until_ready(server).await?;
        }
        Ok(fleet)
    }

    /// Returns the number of servers.
    pub(crate) fn len(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn address(&self, process: ProcessRef) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.servers[process.server].port))
    }

    fn state(&self, server: usize) -> MutexGuard<'_, State> {
        self.servers[server].state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_alive(&self, process: ProcessRef) -> bool {
        self.state(process.server).exit_times.len() == process.restarts
    }

    /// Returns whether a process was alive for a duration after a point in time.
    pub(crate) fn was_alive_for(
        &self,
        process: ProcessRef,
        after: Instant,
        span: Duration,
    ) -> bool {
        let death = self.state(process.server).exit_times.get(process.restarts).copied();
        death.unwrap_or_else(Instant::now).saturating_duration_since(after) >= span
    }

    /// Returns one of the ready servers, and waits until there is one.
    pub(crate) async fn any_serving(&self, rng: &Rng) -> ProcessRef {
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
    pub(crate) async fn launch(&self, server: usize) -> anyhow::Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path(server))
            .context("cannot write the log")?;
        let child = Command::new(&self.binary)
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.settings)
            .env("LEPTOS_SITE_ADDR", format!("127.0.0.1:{}", self.servers[server].port))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        *self.servers[server].process.lock().await = Some(child);
        Ok(())
    }

    /// Waits until a server is ready, and makes it available to clients.
    pub(crate) async fn wait_until_ready(&self, server: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_healthy(self.servers[server].port).await {
            let mut process = self.servers[server].process.lock().await;
            let ended = process.as_mut().context("the server was not started")?.try_wait()?;
            drop(process);
            if ended.is_some() || began.elapsed() > START_STOP_TIMEOUT {
                bail!("server {server} does not start:\n{}", self.log_tail(server));
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.state(server).serving = true;
        self.up.notify_waiters();
        Ok(())
    }

    /// Kills a server with SIGKILL.
    pub(crate) async fn kill(&self, server: usize) -> anyhow::Result<()> {
        let mut process = self.servers[server]
            .process
            .lock()
            .await
            .take()
            .context("the server was not started")?;
        if let Some(status) = process.try_wait()? {
            bail!("server {server} ended by itself ({status}):\n{}", self.log_tail(server));
        }
        {
            let mut state = self.state(server);
            state.serving = false;
            state.exit_times.push(Instant::now());
        }
        process.kill().await.context("cannot kill a server")
    }

    /// Sends SIGTERM to all servers and waits for a graceful shutdown.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        for (number, server) in self.servers.iter().enumerate() {
            let mut process =
                server.process.lock().await.take().context("the server was not started")?;
            let id = process.id().with_context(|| {
                format!("server {number} ended by itself:\n{}", self.log_tail(number))
            })?;
            Command::new("kill")
                .args(["-TERM", &id.to_string()])
                .status()
                .await
                .context("there is no `kill`")?;
            let status = timeout(START_STOP_TIMEOUT, process.wait())
                .await
                .with_context(|| format!("server {number} does not stop"))??;
            ensure!(
                status.success(),
                "server {number} did not shut down gracefully ({status}):\n{}",
                self.log_tail(number)
            );
        }
        Ok(())
    }

    fn log_path(&self, server: usize) -> PathBuf {
        self.folder.join(format!("server-{server}.log"))
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self, server: usize) -> String {
        let log = std::fs::read_to_string(self.log_path(server)).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Returns the output of a command of the program.
async fn command_output(
    binary: &Path,
    command: &[&str],
    settings: &BTreeMap<&'static str, String>,
    folder: &Path,
) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .args(command)
        .current_dir(folder)
        .env_clear()
        .envs(settings)
        .output()
        .await;
    let output = output.with_context(|| format!("cannot start {}", binary.display()))?;
    ensure!(
        output.status.success(),
        "`countersign {}` fails:\n{}",
        command.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Returns a free port below the ephemeral range: no client takes it while its server is down.
async fn free_port(taken: Vec<u16>) -> u16 {
    let start = 10_000 + u16::try_from(std::process::id() % 10_000).expect("below 10,000");
    for port in (start..20_000).chain(10_000..start) {
        if !taken.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return port;
        }
    }
    panic!("all ports from 10,000 to 20,000 are taken");
}

async fn is_healthy(port: u16) -> bool {
    let response = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream
            .write_all(
                format!(
                    "GET /readyz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
                )
                .as_bytes(),
            )
            .await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        std::io::Result::Ok(response.starts_with(b"HTTP/1.1 200 "))
    };
    matches!(timeout(Duration::from_secs(2), response).await, Ok(Ok(true)))
}
