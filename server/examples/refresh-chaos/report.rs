//! The final report, as text and as JSON.

use crate::{
    Arguments,
    context::GRACE,
    counters::{Counter, Counters, Failure},
    host_info::HostInfo,
    rate,
};
use serde_json::{Map, Value, json};
use std::{fmt::Write, time::Duration};

pub(crate) struct Report<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) database: &'static str,
    pub(crate) servers: usize,
    pub(crate) seed: u64,
    pub(crate) machine: HostInfo,
    pub(crate) counters: &'a Counters,
    /// Duration of the measurement.
    pub(crate) took: Duration,
    /// Number of refreshes in that time.
    pub(crate) refreshes: usize,
}

const PERCENTILES: [f64; 3] = [0.5, 0.95, 0.99];

impl Report<'_> {
    pub(crate) fn to_json(&self) -> Value {
        let Self { arguments, database, servers, seed, machine, counters, took, refreshes } = self;
        let ([p50, p95, p99], max) = counters.latencies(PERCENTILES);
        let mut counts = Map::new();
        counts.extend(
            Counter::ALL.iter().map(|count| (count.key().to_owned(), counters.of(*count).into())),
        );
        counts.extend(
            Failure::ALL
                .iter()
                .map(|failure| (failure.key().to_owned(), counters.failures_of(*failure).into())),
        );
        json!({
            "database": database,
            "servers": servers,
            "seed": seed,
            "clients": arguments.clients,
            "at_a_time": arguments.at_a_time,
            "kill_every_seconds": arguments.kill_every,
            "grace_seconds": GRACE.as_secs(),
            "machine": machine,
            "refreshes": refreshes,
            "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
            "refreshes_per_second": rate(*refreshes, *took).round(),
            "micros": {
                "p50": p50.as_micros(),
                "p95": p95.as_micros(),
                "p99": p99.as_micros(),
                "max": max.as_micros(),
            },
            "counts": counts,
            "ok": counters.is_clean(),
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let Self { arguments, database, servers, seed, machine, counters, took, refreshes } = self;
        let ([p50, p95, p99], max) = counters.latencies(PERCENTILES);
        let mut rows = vec![
            ("refreshes".to_owned(), refreshes.to_string()),
            (
                "refreshes per second".to_owned(),
                format!("{:.0} ({:.1} s)", rate(*refreshes, *took), took.as_secs_f64()),
            ),
            (
                "p50, p95, p99, maximum".to_owned(),
                format!("{p50:.1?}, {p95:.1?}, {p99:.1?}, {max:.1?}"),
            ),
        ];
        rows.extend(
            Counter::ALL
                .iter()
                .map(|count| (count.label().to_owned(), counters.of(*count).to_string())),
        );
        rows.extend(Failure::ALL.iter().map(|failure| {
            (failure.label().to_owned(), counters.failures_of(*failure).to_string())
        }));
        let mut text = format!(
            "\n{database}, {servers} server{}, {} honest clients, {} concurrent requests, a kill \
             every {} s, grace period {} s, seed {seed}\n\
             {} cores of {}; the disk syncs in {:.1} ms\n",
            if *servers == 1 { "" } else { "s" },
            arguments.clients,
            arguments.at_a_time,
            arguments.kill_every,
            GRACE.as_secs(),
            machine.cores,
            machine.processor,
            Duration::from_micros(machine.sync_micros.try_into().unwrap_or(u64::MAX)).as_secs_f64()
                * 1000.0,
        );
        for (label, value) in rows {
            let _ = writeln!(text, "    {label:<58} {value}");
        }
        text
    }
}
