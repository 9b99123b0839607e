//! What is said at the end, to programs and to people.

use crate::{
    crowd::{HANG_UPS, Kind},
    probes::Probe,
    stage::{Phase, Stage},
};
use serde_json::{Map, Value, json};
use std::{fmt::Write, time::Duration};

const STATUSES: [&str; 5] = ["200", "401", "429", "503", "other"];
/// Before the first hash, the most in each phase, the most ever, and what it may be.
pub(crate) const MEMORY: [&str; 6] = ["idle", "calm", "flood", "after", "highest", "bound"];

/// What the stage saw: for each probe and phase how long answers took, and how each kind of log-in
/// was answered.
pub(crate) fn figures(stage: &Stage) -> Value {
    let probe = |probe: Probe| {
        let phases =
            Phase::ALL.map(|(phase, name)| (name.to_owned(), spread(&stage.took(probe, phase))));
        (probe.label().to_owned(), Value::Object(Map::from_iter(phases)))
    };
    let kind = |(kind, label): (Kind, &str)| {
        let answers = STATUSES
            .iter()
            .zip(stage.answers(kind))
            .map(|(status, count)| ((*status).to_owned(), count.into()));
        (label.to_owned(), Value::Object(answers.collect()))
    };
    json!({
        "seconds": stage.flood.as_secs(),
        "millis": Map::from_iter(Probe::ALL.map(probe)),
        "flood": Map::from_iter(Kind::ALL.map(kind)),
        "millis_until_all_are_served": stage.recovered().as_millis(),
        "faults": stage.faults(),
    })
}

/// How long half of them, and 99 of 100, took at most, and the longest, in milliseconds.
fn spread(sorted: &[Duration]) -> Value {
    let Some(last) = sorted.len().checked_sub(1) else { return Value::Null };
    let millis = |index: usize| (sorted[index].as_secs_f64() * 1e4).round() / 10.0;
    json!({ "count": sorted.len(), "p50": millis(last / 2), "p99": millis(last * 99 / 100), "longest": millis(last) })
}

pub(crate) fn text(figures: &Value) -> String {
    let say = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let hashing = &figures["hashing"];
    let mut text = format!(
        "\n{}, {} cores, {} on {} threads, {} may wait; {} clients log in for {} s, and {} of {HANG_UPS} have hung up\n",
        say(&figures["database"]),
        figures["cores"],
        say(&hashing["COUNTERSIGN_ARGON2"]),
        say(&hashing["COUNTERSIGN_HASH_THREADS"]),
        say(&hashing["COUNTERSIGN_HASH_QUEUE"]),
        figures["clients"],
        figures["seconds"],
        figures["hung_up"],
    );
    let mut row = |label: &str, cells: Vec<String>| {
        let cells = cells.iter().fold(String::new(), |line, cell| line + &format!("{cell:>11}"));
        let _always_fits = writeln!(text, "    {label:<26}{cells}");
    };
    row(
        "milliseconds",
        Phase::ALL
            .iter()
            .flat_map(|(_, phase)| {
                [format!("{phase}: p50"), "p99".to_owned(), "longest".to_owned()]
            })
            .collect(),
    );
    for probe in Probe::ALL {
        let of = |phase: &str| {
            ["p50", "p99", "longest"].map(|name| {
                figures["millis"][probe.label()][phase][name].to_string().replace("null", "-")
            })
        };
        row(probe.label(), Phase::ALL.iter().flat_map(|(_, phase)| of(phase)).collect());
    }
    row("log-ins of the flood", STATUSES.map(str::to_owned).to_vec());
    for (_, label) in Kind::ALL {
        row(label, STATUSES.map(|status| figures["flood"][label][status].to_string()).to_vec());
    }
    row("MiB of memory", MEMORY.map(str::to_owned).to_vec());
    row("", MEMORY.map(|name| figures["mib"][name].to_string()).to_vec());
    let _always_fits = writeln!(
        text,
        "    all were served again {} ms after the flood",
        figures["millis_until_all_are_served"]
    );
    text
}
