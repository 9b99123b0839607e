//! The final report, as JSON and as text.

use crate::{
    attackers::{Attack, DISCONNECTS},
    probes::Probe,
    timeline::{Phase, Timeline},
};
use serde_json::{Map, Value, json};
use std::{fmt::Write, time::Duration};

const STATUSES: [&str; 5] = ["200", "401", "429", "503", "other"];
/// Rows of memory usage: before the first hash, the maximum of each phase, the overall maximum, and
/// the limit.
pub(crate) const MEMORY_ROWS: [&str; 6] = ["idle", "calm", "flood", "after", "highest", "bound"];

/// Returns the results: latency for each probe and phase, and the responses to each kind of log-in.
pub(crate) fn figures(timeline: &Timeline) -> Value {
    let probe = |probe: Probe| {
        let phases =
            Phase::ALL.map(|(phase, name)| (name.to_owned(), spread(&timeline.took(probe, phase))));
        (probe.label().to_owned(), Value::Object(Map::from_iter(phases)))
    };
    let kind = |(kind, label): (Attack, &str)| {
        let responses = STATUSES
            .iter()
            .zip(timeline.responses(kind))
            .map(|(status, count)| ((*status).to_owned(), count.into()));
        (label.to_owned(), Value::Object(responses.collect()))
    };
    json!({
        "seconds": timeline.flood.as_secs(),
        "millis": Map::from_iter(Probe::ALL.map(probe)),
        "flood": Map::from_iter(Attack::ALL.map(kind)),
        "millis_until_all_are_served": timeline.recovered().as_millis(),
        "failures": timeline.failures(),
    })
}

/// Returns the count, the percentiles and the maximum of durations, in milliseconds.
fn spread(sorted: &[Duration]) -> Value {
    let Some(last) = sorted.len().checked_sub(1) else { return Value::Null };
    let millis = |index: usize| (sorted[index].as_secs_f64() * 1e4).round() / 10.0;
    json!({
        "count": sorted.len(),
        "p50": millis(last / 2),
        "p99": millis(last * 99 / 100),
        "longest": millis(last),
    })
}

pub(crate) fn text(figures: &Value) -> String {
    let to_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let hashing = &figures["hashing"];
    let mut text = format!(
        "\n{}, {} cores, {} on {} threads, queue of {}; {} clients log in for {} s, and {} of \
         {DISCONNECTS} disconnected\n",
        to_text(&figures["database"]),
        figures["cores"],
        to_text(&hashing["COUNTERSIGN_ARGON2"]),
        to_text(&hashing["COUNTERSIGN_HASH_THREADS"]),
        to_text(&hashing["COUNTERSIGN_HASH_QUEUE"]),
        figures["clients"],
        figures["seconds"],
        figures["hung_up"],
    );
    let mut row = |label: &str, cells: Vec<String>| {
        let cells = cells.iter().fold(String::new(), |line, cell| line + &format!("{cell:>11}"));
        let _ = writeln!(text, "    {label:<26}{cells}");
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
    for (_, label) in Attack::ALL {
        row(label, STATUSES.map(|status| figures["flood"][label][status].to_string()).to_vec());
    }
    row("MiB of memory", MEMORY_ROWS.map(str::to_owned).to_vec());
    row("", MEMORY_ROWS.map(|name| figures["mib"][name].to_string()).to_vec());
    let _ = writeln!(
        text,
        "    all requests were served again {} ms after the flood",
        figures["millis_until_all_are_served"]
    );
    text
}
