//! The server: a process of the actual program, with a production configuration.

use crate::http_client::{HttpClient, Request};
use anyhow::{Context, ensure};
use std::{
    collections::BTreeMap,
    fs::{File, read_to_string},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// Maximum time for a start or a graceful shutdown.
const START_STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// The default hashing parameters, under test, and the memory of one hash in KiB.
const HASHING: &str = "m=19456,t=2,p=1";
const HASH_MEMORY_KIB: u64 = 19_456;
/// Memory for everything else during a flood, in KiB.
const MARGIN_KIB: u64 = 16 * 1024;

pub(crate) struct ServerProcess {
    pub(crate) address: SocketAddr,
    /// The hashing settings, as printed by `countersign config`.
    pub(crate) hashing: BTreeMap<String, String>,
    process: Child,
    id: u32,
    folder: TempDir,
}

impl ServerProcess {
    pub(crate) async fn start(binary: &Path, database: &str) -> anyhow::Result<Self> {
        let binary =
            binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
        let folder = tempfile::Builder::new().prefix("countersign-flood-").tempdir()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?;
        let settings = BTreeMap::from([
            ("DATABASE_URL", database.to_owned()),
            ("LEPTOS_SITE_ADDR", address.to_string()),
            ("LEPTOS_SITE_ROOT", folder.path().display().to_string()),
            ("COUNTERSIGN_PUBLIC_URL", format!("http://localhost:{}", address.port())),
            // The clients act as a proxy.
            ("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
            ("RUST_LOG", "error".to_owned()),
        ]);
        let command = |arguments: &[&str]| {
            let mut command = Command::new(&binary);
            command
                .args(arguments)
                .current_dir(folder.path())
                .env_clear()
                .envs(&settings)
                .stdin(Stdio::null());
            command
        };
        let output = command(&["config", "--json"]).output().await?;
        let mut hashing: BTreeMap<String, String> =
            serde_json::from_slice(&output.stdout).context("`countersign config --json` fails")?;
        hashing.retain(|name, _| {
            ["COUNTERSIGN_ARGON2", "COUNTERSIGN_HASH_THREADS", "COUNTERSIGN_HASH_QUEUE"]
                .contains(&name.as_str())
        });
        ensure!(hashing["COUNTERSIGN_ARGON2"] == HASHING, "the default hashing is {hashing:?}");
        let log = File::create(folder.path().join("log"))?;
        let process =
            command(&[]).stdout(log.try_clone()?).stderr(log).kill_on_drop(true).spawn()?;
        let id = process.id().context("the process has ended")?;
        let mut process = Self { address, hashing, process, id, folder };
        process.wait_until_ready().await?;
        Ok(process)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut client = HttpClient::new(self.address, Ipv4Addr::LOCALHOST);
        let ready = Request { path: "/readyz", ..Request::default() };
        while !client.send(&ready).await.is_ok_and(|response| response.status == 200) {
            ensure!(
                self.process.try_wait()?.is_none() && began.elapsed() < START_STOP_TIMEOUT,
                "the server does not start:\n{}",
                self.log_tail()
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Returns the current and the maximum resident memory in KiB.
    pub(crate) fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix(" kB"));
            line.and_then(|number| number.trim().parse().ok())
                .with_context(|| format!("the server has ended:\n{}", self.log_tail()))
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }

    /// Returns the memory limit in KiB, given the usage before the first hash.
    pub(crate) fn memory_bound(&self, idle: u64) -> anyhow::Result<u64> {
        Ok(idle
            + self.hashing["COUNTERSIGN_HASH_THREADS"].parse::<u64>()? * HASH_MEMORY_KIB
            + MARGIN_KIB)
    }

    /// Sends SIGTERM and waits for a graceful shutdown.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill")
            .args(["-TERM", &self.id.to_string()])
            .status()
            .await
            .context("there is no `kill`")?;
        let status = timeout(START_STOP_TIMEOUT, self.process.wait())
            .await
            .context("the server does not stop")??;
        ensure!(
            status.success(),
            "the server did not shut down gracefully ({status}):\n{}",
            self.log_tail()
        );
        Ok(())
    }

    /// Returns the last lines of the log.
    pub(crate) fn log_tail(&self) -> String {
        let log = read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
