//! The machine on which a test runs.

use serde::Serialize;
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    thread,
    time::Duration,
};
use tokio::time::Instant;

#[derive(Serialize)]
pub(crate) struct HostInfo {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    /// Median duration of a small synchronous write in the temporary folder, in microseconds.
    pub(crate) sync_micros: u128,
}

impl HostInfo {
    /// Measures the machine.
    pub(crate) fn measure() -> anyhow::Result<Self> {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = info
            .lines()
            .find(|line| line.starts_with("model name"))
            .and_then(|line| line.split_once(": "));
        let folder = tempfile::tempdir()?;
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            processor: named.map_or("unknown processor", |(_, name)| name).to_owned(),
            sync_micros: measure_sync(folder.path())?.as_micros(),
        })
    }
}

fn measure_sync(folder: &Path) -> std::io::Result<Duration> {
    let mut file = File::create(folder.join("sync"))?;
    let mut took = Vec::new();
    for _ in 0..51 {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}
