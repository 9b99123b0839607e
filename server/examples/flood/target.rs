//! The server: a real process of the real program, set up as in production.

use crate::wire::{Line, Request};
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

/// A start or an orderly stop that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// The default hashing, which is what this is about, and the memory of one hash in KiB.
const HASHING: &str = "m=19456,t=2,p=1";
const HASH: u64 = 19_456;
/// KiB for everything else that a flood needs.
const MARGIN: u64 = 16 * 1024;

pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// What it says about its hashing.
    pub(crate) hashing: BTreeMap<String, String>,
    process: Child,
    id: u32,
    folder: TempDir,
}

impl Target {
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
            // We are the proxy that says where each client comes from.
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
        let said = command(&["config", "--json"]).output().await?;
        let mut hashing: BTreeMap<String, String> =
            serde_json::from_slice(&said.stdout).context("`countersign config --json` fails")?;
        hashing.retain(|name, _| {
            ["COUNTERSIGN_ARGON2", "COUNTERSIGN_HASH_THREADS", "COUNTERSIGN_HASH_QUEUE"]
                .contains(&name.as_str())
        });
        ensure!(hashing["COUNTERSIGN_ARGON2"] == HASHING, "the default hashing is {hashing:?}");
        let log = File::create(folder.path().join("log"))?;
        let process =
            command(&[]).stdout(log.try_clone()?).stderr(log).kill_on_drop(true).spawn()?;
        let id = process.id().context("it has ended")?;
        let mut target = Self { address, hashing, process, id, folder };
        target.await_service().await?;
        Ok(target)
    }

    async fn await_service(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut line = Line::new(self.address, Ipv4Addr::LOCALHOST);
        let ready = Request { path: "/readyz", ..Request::default() };
        while !line.ask(&ready).await.is_ok_and(|answer| answer.status == 200) {
            ensure!(
                self.process.try_wait()?.is_none() && began.elapsed() < PATIENCE,
                "the server does not start:\n{}",
                self.last_words()
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// KiB that are resident now, and the most that ever were.
    pub(crate) fn memory(&self) -> anyhow::Result<(u64, u64)> {
        let status = read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix(" kB"));
            line.and_then(|number| number.trim().parse().ok())
                .with_context(|| format!("the server has ended:\n{}", self.last_words()))
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }

    /// The most KiB that it may ever have, if it has `idle` before the first hash.
    pub(crate) fn bound(&self, idle: u64) -> anyhow::Result<u64> {
        Ok(idle + self.hashing["COUNTERSIGN_HASH_THREADS"].parse::<u64>()? * HASH + MARGIN)
    }

    /// SIGTERM, and an end in good order.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill")
            .args(["-TERM", &self.id.to_string()])
            .status()
            .await
            .context("there is no `kill`")?;
        let status =
            timeout(PATIENCE, self.process.wait()).await.context("the server does not stop")??;
        ensure!(
            status.success(),
            "the server did not stop in good order ({status}):\n{}",
            self.last_words()
        );
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
