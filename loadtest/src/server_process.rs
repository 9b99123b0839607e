//! Servers as processes of the program under test.

use crate::{api::ApiRequest, database::DatabaseChoice, http_client::HttpConnection};
use anyhow::{Context, ensure};
use clap::Args;
use std::{
    collections::BTreeMap,
    fs::{OpenOptions, read_to_string},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// Maximum time for a start or a graceful shutdown.
const START_STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time for a response of a health check.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// The arguments of tests with server processes.
#[derive(Args)]
pub(crate) struct ServerArguments {
    /// Path of the server program.
    #[arg(long)]
    pub(crate) server: PathBuf,
    /// The database. `PostgreSQL` is that of `TEST_POSTGRES_URL`.
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) database: DatabaseChoice,
}

/// The program with its settings. Nothing else is in its environment.
pub(crate) struct ServerProgram {
    binary: PathBuf,
    /// The working directory, which also contains the logs.
    folder: PathBuf,
    settings: BTreeMap<&'static str, String>,
}

impl ServerProgram {
    /// Creates the settings that all servers need. The public URL is that of a port.
    pub(crate) fn new(
        binary: &Path,
        folder: &Path,
        database: &str,
        public_port: u16,
    ) -> anyhow::Result<Self> {
        let binary =
            binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
        let settings = BTreeMap::from([
            ("DATABASE_URL", database.to_owned()),
            ("COUNTERSIGN_PUBLIC_URL", format!("http://localhost:{public_port}")),
            ("LEPTOS_SITE_ROOT", folder.display().to_string()),
            ("RUST_LOG", "error".to_owned()),
        ]);
        Ok(Self { binary, folder: folder.to_owned(), settings })
    }

    /// Changes a setting.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.settings.insert(name, value.into());
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.settings)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Returns the output of a command of the program.
    pub(crate) async fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command().args(arguments).output().await;
        let output = output.with_context(|| format!("cannot start {}", self.binary.display()))?;
        ensure!(
            output.status.success(),
            "`countersign {}` fails:\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts a server without waiting until it is ready.
    pub(crate) fn launch(&self, port: u16) -> anyhow::Result<ServerProcess> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = self.folder.join(format!("server-{port}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.context("cannot write the log")?;
        let process = self
            .command()
            .env("LEPTOS_SITE_ADDR", address.to_string())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let id = process.id().context("the process has ended")?;
        Ok(ServerProcess { process, id, address, log })
    }
}

/// A process, which is killed when it is dropped.
pub(crate) struct ServerProcess {
    process: Child,
    id: u32,
    address: SocketAddr,
    log: PathBuf,
}

impl ServerProcess {
    pub(crate) async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.is_ready().await {
            ensure!(
                self.exit_status()?.is_none() && began.elapsed() < START_STOP_TIMEOUT,
                "a server does not start:\n{}",
                self.log_tail()
            );
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        let Ok(connection) = HttpConnection::open(self.address).await else { return false };
        let response = connection.send(ApiRequest::get("/readyz"), HEALTH_TIMEOUT).await;
        response.is_ok_and(|(response, _)| response.status == 200)
    }

    /// Returns the exit status if the process has ended.
    pub(crate) fn exit_status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Returns the current and the maximum resident memory in KiB.
    pub(crate) fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix(" kB"));
            line.and_then(|number| number.trim().parse().ok())
                .with_context(|| format!("a server has ended:\n{}", self.log_tail()))
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// Sends SIGKILL.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.process.kill().await.context("cannot kill a server")
    }

    /// Sends SIGTERM and waits for a graceful shutdown.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        ensure!(self.exit_status()?.is_none(), "a server ended by itself:\n{}", self.log_tail());
        let mut kill = Command::new("kill");
        kill.args(["-TERM", &self.id.to_string()]).status().await.context("there is no `kill`")?;
        let status = timeout(START_STOP_TIMEOUT, self.process.wait())
            .await
            .context("a server does not stop")??;
        ensure!(
            status.success(),
            "a server did not shut down gracefully ({status}):\n{}",
            self.log_tail()
        );
        Ok(())
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self) -> String {
        let log = read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Returns free ports below the ephemeral range: no client takes them while a server is down.
pub(crate) async fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let start = 10_000 + u16::try_from(std::process::id() % 10_000)?;
    let mut ports = Vec::new();
    for port in (start..20_000).chain(10_000..start) {
        if ports.len() == count {
            break;
        }
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            ports.push(port);
        }
    }
    ensure!(ports.len() == count, "all ports from 10,000 to 20,000 are taken");
    Ok(ports)
}
