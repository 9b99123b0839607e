//! What is said at the end, to people and to programs.

use crate::{
    Arguments,
    machine::Machine,
    rate,
    stage::GRACE,
    tally::{Count, Fault, Tally},
};
use serde_json::{Map, Value, json};
use std::{fmt::Write, time::Duration};

pub(crate) struct Report<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) database: &'static str,
    pub(crate) servers: usize,
    pub(crate) seed: u64,
    pub(crate) machine: Machine,
    pub(crate) tally: &'a Tally,
    /// How long there were refreshes.
    pub(crate) took: Duration,
    /// How many there were in that time.
    pub(crate) renewals: usize,
}

const SHARES: [f64; 3] = [0.5, 0.95, 0.99];

impl Report<'_> {
    pub(crate) fn to_json(&self) -> Value {
        let Self { arguments, database, servers, seed, machine, tally, took, renewals } = self;
        let ([p50, p95, p99], max) = tally.latencies(SHARES);
        let mut counts = Map::new();
        counts.extend(
            Count::ALL.iter().map(|count| (count.key().to_owned(), tally.of(*count).into())),
        );
        counts.extend(
            Fault::ALL.iter().map(|fault| (fault.key().to_owned(), tally.faults_of(*fault).into())),
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
            "refreshes": renewals,
            "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
            "refreshes_per_second": rate(*renewals, *took).round(),
            "micros": { "p50": p50.as_micros(), "p95": p95.as_micros(), "p99": p99.as_micros(), "max": max.as_micros() },
            "counts": counts,
            "ok": tally.is_clean(),
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let Self { arguments, database, servers, seed, machine, tally, took, renewals } = self;
        let ([p50, p95, p99], max) = tally.latencies(SHARES);
        let mut rows = vec![
            ("refreshes".to_owned(), renewals.to_string()),
            (
                "refreshes per second".to_owned(),
                format!("{:.0} ({:.1} s)", rate(*renewals, *took), took.as_secs_f64()),
            ),
            (
                "p50, p95, p99, longest".to_owned(),
                format!("{p50:.1?}, {p95:.1?}, {p99:.1?}, {max:.1?}"),
            ),
        ];
        rows.extend(
            Count::ALL.iter().map(|count| (count.label().to_owned(), tally.of(*count).to_string())),
        );
        rows.extend(
            Fault::ALL
                .iter()
                .map(|fault| (fault.label().to_owned(), tally.faults_of(*fault).to_string())),
        );
        let mut text = format!(
            "\n{database}, {servers} server{}, {} honest clients, {} requests at a time, a kill every {} s, grace {} s, seed {seed}\n{} cores of {}; the disk syncs in {:.1} ms\n",
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
            let _always_fits = writeln!(text, "    {label:<58} {value}");
        }
        text
    }
}
