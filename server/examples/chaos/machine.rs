//! What the figures were measured on.

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
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    /// How long the disk takes to keep a small change for good, in the median.
    pub(crate) sync_micros: u128,
}

impl Machine {
    /// With the disk that holds this folder.
    pub(crate) fn look(folder: &Path) -> anyhow::Result<Self> {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = info
            .lines()
            .find(|line| line.starts_with("model name"))
            .and_then(|line| line.split_once(": "));
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            processor: named.map_or("unknown processor", |(_, name)| name).to_owned(),
            sync_micros: sync(folder)?.as_micros(),
        })
    }
}

fn sync(folder: &Path) -> std::io::Result<Duration> {
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
