//! The server, with a production configuration.

use crate::server_process::{ServerProcess, ServerProgram, free_ports};
use anyhow::{Context, ensure};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};
use tempfile::TempDir;

/// The default hashing parameters, under test, and the memory of one hash in KiB.
const HASHING: &str = "m=19456,t=2,p=1";
const HASH_MEMORY_KIB: u64 = 19_456;
/// Memory for everything else during a flood, in KiB: 250 connections with their requests, code
/// that is loaded when it first runs, and memory that the allocator retains.
const MARGIN_KIB: u64 = 32 * 1024;
/// The settings of password hashing.
const SETTINGS: [&str; 3] =
    ["COUNTERSIGN_ARGON2", "COUNTERSIGN_HASH_THREADS", "COUNTERSIGN_HASH_QUEUE"];

pub(super) struct FloodServer {
    pub(super) process: ServerProcess,
    pub(super) address: SocketAddr,
    /// The hashing settings, as printed by `countersign config`.
    pub(super) hashing: Vec<(&'static str, String)>,
    _folder: TempDir,
}

impl FloodServer {
    pub(super) async fn start(binary: &Path, database: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("countersign-flood-").tempdir()?;
        let port = free_ports(1).await?[0];
        let mut program = ServerProgram::new(binary, folder.path(), database, port)?;
        // The clients act as a proxy.
        program.set("COUNTERSIGN_TRUSTED_PROXIES", "127.0.0.0/8");
        let effective: BTreeMap<String, String> =
            serde_json::from_str(&program.output(&["config", "--json"]).await?)?;
        let hashing = SETTINGS.map(|name| {
            let value = effective.get(name).with_context(|| format!("no setting {name}"))?;
            Ok((name, value.clone()))
        });
        let hashing = hashing.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(hashing[0].1 == HASHING, "the default hashing is {hashing:?}");
        let mut process = program.launch(port)?;
        process.wait_until_ready().await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Self { process, address, hashing, _folder: folder })
    }

    /// Returns the memory limit in KiB, given the usage before the first hash.
    pub(super) fn memory_limit(&self, idle: u64) -> anyhow::Result<u64> {
        let threads: u64 = self.hashing[1].1.parse()?;
        Ok(idle + threads * HASH_MEMORY_KIB + MARGIN_KIB)
    }
}
