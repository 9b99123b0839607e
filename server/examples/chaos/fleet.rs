//! The servers: real processes of the real program, on one database.

use crate::dice::Dice;
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

/// A start or an orderly stop that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// One process: which server, and its how-manieth life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Life {
    pub(crate) server: usize,
    number: usize,
}

pub(crate) struct Fleet {
    binary: PathBuf,
    folder: PathBuf,
    settings: BTreeMap<&'static str, String>,
    servers: Vec<Server>,
    /// Told when a server has come up.
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
    /// When each of the lives that are over ended, at the earliest.
    deaths: Vec<Instant>,
}

/// What the servers are to be.
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) database: String,
    pub(crate) servers: usize,
    pub(crate) grace: Duration,
}

impl Fleet {
    /// Starts them one after another.
    pub(crate) async fn start(plan: Plan) -> anyhow::Result<Self> {
        let Plan { binary, folder, database, servers: count, grace } = plan;
        let mut servers = Vec::new();
        for _ in 0..count {
            let port = free_port(servers.iter().map(|server: &Server| server.port).collect()).await;
            servers.push(Server { port, process: AsyncMutex::default(), state: Mutex::default() });
        }
        let mut settings = BTreeMap::from([
            ("DATABASE_URL", database),
            (
                "COUNTERSIGN_SECRET",
                said(&binary, &["secret", "new"], &BTreeMap::new(), &folder).await?,
            ),
            // They are one server to their clients, so they speak of themselves with one voice.
            ("COUNTERSIGN_PUBLIC_URL", format!("http://localhost:{}", servers[0].port)),
            ("COUNTERSIGN_REFRESH_GRACE", format!("{}s", grace.as_secs())),
            ("COUNTERSIGN_ACCESS_TTL", "2s".to_owned()),
            ("COUNTERSIGN_ARGON2", "m=64,t=1,p=1".to_owned()),
            ("COUNTERSIGN_RATE_LIMITS", "off".to_owned()),
            ("LEPTOS_SITE_ROOT", folder.display().to_string()),
            ("RUST_LOG", "error".to_owned()),
        ]);
        // Everybody here comes from one address.
        let known: BTreeMap<String, String> =
            serde_json::from_str(&said(&binary, &["config", "--json"], &settings, &folder).await?)?;
        if known.contains_key("COUNTERSIGN_RATE_LIMITS") {
            settings.insert("COUNTERSIGN_RATE_LIMITS", "off".to_owned());
        }
        let fleet = Self { binary, folder, settings, servers, up: Notify::new() };
        for server in 0..count {
            fleet.launch(server).await?;
            fleet.await_service(server).await?;
        }
        Ok(fleet)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn address(&self, life: Life) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.servers[life.server].port))
    }

    fn state(&self, server: usize) -> MutexGuard<'_, State> {
        self.servers[server].state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_alive(&self, life: Life) -> bool {
        self.state(life.server).deaths.len() == life.number
    }

    /// Whether a process lived on for so long after a moment in its life.
    pub(crate) fn lived_on(&self, life: Life, after: Instant, span: Duration) -> bool {
        let death = self.state(life.server).deaths.get(life.number).copied();
        death.unwrap_or_else(Instant::now).saturating_duration_since(after) >= span
    }

    /// One of those that serve. Where none does, waits for one.
    pub(crate) async fn living(&self, dice: &Dice) -> Life {
        loop {
            let up = self.up.notified();
            let living: Vec<Life> = (0..self.len())
                .filter_map(|server| {
                    let state = self.state(server);
                    state.serving.then_some(Life { server, number: state.deaths.len() })
                })
                .collect();
            if !living.is_empty() {
                return living[dice.below(living.len())];
            }
            up.await;
        }
    }

    /// Starts a process, without waiting for it to serve.
    pub(crate) async fn launch(&self, server: usize) -> anyhow::Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_of(server))
            .context("no log can be written")?;
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
            .with_context(|| format!("{} cannot be started", self.binary.display()))?;
        *self.servers[server].process.lock().await = Some(child);
        Ok(())
    }

    /// Waits until a launched server answers, and lets clients come.
    pub(crate) async fn await_service(&self, server: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_healthy(self.servers[server].port).await {
            let mut process = self.servers[server].process.lock().await;
            let ended = process.as_mut().context("it was not launched")?.try_wait()?;
            drop(process);
            if ended.is_some() || began.elapsed() > PATIENCE {
                bail!("server {server} does not start:\n{}", self.last_words(server));
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.state(server).serving = true;
        self.up.notify_waiters();
        Ok(())
    }

    /// SIGKILL.
    pub(crate) async fn kill(&self, server: usize) -> anyhow::Result<()> {
        let mut process =
            self.servers[server].process.lock().await.take().context("it was not launched")?;
        if let Some(status) = process.try_wait()? {
            bail!("server {server} ended by itself ({status}):\n{}", self.last_words(server));
        }
        {
            let mut state = self.state(server);
            state.serving = false;
            state.deaths.push(Instant::now());
        }
        process.kill().await.context("a server cannot be killed")
    }

    /// SIGTERM, and an end in good order.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        for (number, server) in self.servers.iter().enumerate() {
            let mut process = server.process.lock().await.take().context("it was not launched")?;
            let id = process.id().with_context(|| {
                format!("server {number} ended by itself:\n{}", self.last_words(number))
            })?;
            Command::new("kill")
                .args(["-TERM", &id.to_string()])
                .status()
                .await
                .context("there is no `kill`")?;
            let status = timeout(PATIENCE, process.wait())
                .await
                .with_context(|| format!("server {number} does not stop"))??;
            ensure!(
                status.success(),
                "server {number} did not stop in good order ({status}):\n{}",
                self.last_words(number)
            );
        }
        Ok(())
    }

    fn log_of(&self, server: usize) -> PathBuf {
        self.folder.join(format!("server-{server}.log"))
    }

    /// The end of its log.
    pub(crate) fn last_words(&self, server: usize) -> String {
        let log = std::fs::read_to_string(self.log_of(server)).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// What the program says to a command.
async fn said(
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
    let output = output.with_context(|| format!("{} cannot be started", binary.display()))?;
    ensure!(
        output.status.success(),
        "`countersign {}` fails:\n{}",
        command.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A free port below those that the system gives to clients: nobody takes it while its server is
/// dead.
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
    let asked = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream
            .write_all(
                format!(
                    "GET /readyz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
                )
                .as_bytes(),
            )
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200 "))
    };
    matches!(timeout(Duration::from_secs(2), asked).await, Ok(Ok(true)))
}
