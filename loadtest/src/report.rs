//! The report of a test: what was measured on each database, and whether the limits were met. The
//! tables and the JSON have the same content.

use crate::{
    database::DatabaseKind,
    host_info::HostInfo,
    latencies::{Latencies, millis, round},
};
use serde_json::{Map, Number, Value, json};
use std::{fmt::Write, time::Duration};

pub(crate) struct Report {
    test: &'static str,
    host: HostInfo,
    pub(crate) results: Vec<DatabaseReport>,
}

/// The results on one database.
pub(crate) struct DatabaseReport {
    database: DatabaseKind,
    settings: Vec<(&'static str, String)>,
    measurements: Vec<Measurement>,
    failures: Vec<String>,
}

/// A measured value, or several ones with labels.
pub(crate) struct Measurement {
    name: String,
    unit: &'static str,
    values: Vec<(&'static str, Number)>,
    limit: Option<Limit>,
}

/// A limit for the last value of a measurement.
struct Limit {
    min: Option<f64>,
    max: f64,
}

impl Report {
    pub(crate) const fn new(test: &'static str, host: HostInfo) -> Self {
        Self { test, host, results: Vec::new() }
    }

    /// Returns the test and the machine.
    pub(crate) fn heading(&self) -> String {
        let HostInfo { cores, processor, .. } = &self.host;
        let sync = u64::try_from(self.host.sync_micros).unwrap_or(u64::MAX);
        format!(
            "{} on {cores} cores of {processor}; the disk syncs in {} ms",
            self.test,
            millis(Duration::from_micros(sync))
        )
    }

    pub(crate) fn is_passed(&self) -> bool {
        self.results.iter().all(DatabaseReport::is_passed)
    }

    /// Returns the last line of the output, in the format of Rust's test harness. `script/test`
    /// counts these lines.
    pub(crate) fn summary(&self) -> String {
        let passed = self.results.iter().filter(|result| result.is_passed()).count();
        format!(
            "test result: {}. {passed} passed; {} failed",
            if self.is_passed() { "ok" } else { "FAILED" },
            self.results.len() - passed
        )
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "test": self.test,
            "host": self.host,
            "passed": self.is_passed(),
            "results": self.results.iter().map(DatabaseReport::to_json).collect::<Vec<_>>(),
        })
    }
}

impl DatabaseReport {
    pub(crate) const fn new(database: DatabaseKind) -> Self {
        Self { database, settings: Vec::new(), measurements: Vec::new(), failures: Vec::new() }
    }

    /// Records an argument or a setting of the test.
    pub(crate) fn set(&mut self, name: &'static str, value: &impl ToString) {
        self.settings.push((name, value.to_string()));
    }

    pub(crate) fn add(&mut self, measurement: Measurement) {
        self.measurements.push(measurement);
    }

    /// Records a failure that is not a measured value.
    pub(crate) fn fail(&mut self, description: String) {
        self.failures.push(description);
    }

    pub(crate) fn is_passed(&self) -> bool {
        self.failures.is_empty() && self.measurements.iter().all(Measurement::is_passed)
    }

    fn to_json(&self) -> Value {
        let settings = self.settings.iter();
        json!({
            "database": self.database.name(),
            "settings": settings.cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "measurements": self.measurements.iter().map(Measurement::to_json).collect::<Vec<_>>(),
            "failures": self.failures,
            "passed": self.is_passed(),
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let settings = self.settings.iter().map(|(name, value)| format!("{name}: {value}"));
        let mut text =
            format!("\n{}, {}\n", self.database.name(), settings.collect::<Vec<_>>().join(", "));
        let heading = ["measured", "value", "limit", "result"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(heading)
            .chain(self.measurements.iter().map(Measurement::row))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths = [0, 1, 2].map(|column| width(column).unwrap_or(0));
        for [name, value, limit, result] in &rows {
            let [names, values, limits] = widths;
            let line = format!("    {name:<names$}  {value:<values$}  {limit:<limits$}  {result}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for failure in &self.failures {
            let _ = writeln!(text, "    FAILURE: {failure}");
        }
        text
    }
}

impl Measurement {
    fn new(name: &str, unit: &'static str, values: Vec<(&'static str, Number)>) -> Self {
        Self { name: name.to_owned(), unit, values, limit: None }
    }

    pub(crate) fn count(name: &str, count: u64) -> Self {
        Self::new(name, "", vec![("", count.into())])
    }

    /// Returns a measurement of several counts.
    pub(crate) fn counts(
        name: &str,
        unit: &'static str,
        counts: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> Self {
        let counts = counts.into_iter().map(|(label, count)| (label, count.into()));
        Self::new(name, unit, counts.collect())
    }

    pub(crate) fn number(name: &str, unit: &'static str, number: f64) -> Self {
        Self::numbers(name, unit, [("", number)])
    }

    pub(crate) fn numbers(
        name: &str,
        unit: &'static str,
        numbers: impl IntoIterator<Item = (&'static str, f64)>,
    ) -> Self {
        // JSON has no infinity, which passes no limit either.
        let to_json = |number| Number::from_f64(number).unwrap_or_else(|| u64::MAX.into());
        let numbers = numbers.into_iter().map(|(label, number)| (label, to_json(number)));
        Self::new(name, unit, numbers.collect())
    }

    pub(crate) fn millis(name: &str, duration: Duration) -> Self {
        Self::number(name, "ms", millis(duration))
    }

    /// Returns the percentiles of durations. The last value is the maximum.
    pub(crate) fn latencies(name: &str, latencies: &Latencies) -> Self {
        let percentiles = [("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)]
            .map(|(label, percent)| (label, millis(latencies.percentile(percent))));
        let mut measurement = Self::numbers(name, "ms", percentiles);
        measurement.values.insert(0, ("count", latencies.len().into()));
        measurement
    }

    /// Sets the maximum of the last value.
    pub(crate) fn at_most(mut self, max: f64) -> Self {
        self.limit = Some(Limit { min: None, max });
        self
    }

    /// Sets the range of the last value.
    pub(crate) fn between(mut self, min: f64, max: f64) -> Self {
        self.limit = Some(Limit { min: Some(min), max });
        self
    }

    fn is_passed(&self) -> bool {
        let last = self.values.last().and_then(|(_, number)| number.as_f64());
        self.limit.as_ref().is_none_or(|Limit { min, max }| {
            last.is_some_and(|last| last <= *max && min.is_none_or(|min| last >= min))
        })
    }

    fn to_json(&self) -> Value {
        let value = match &self.values[..] {
            [("", number)] => Value::Number(number.clone()),
            values => values
                .iter()
                .map(|(label, number)| ((*label).to_owned(), Value::Number(number.clone())))
                .collect::<Map<_, _>>()
                .into(),
        };
        let limit = self.limit.as_ref().map(|Limit { min, max }| json!({ "min": min, "max": max }));
        json!({
            "name": self.name,
            "unit": self.unit,
            "value": value,
            "limit": limit,
            "passed": self.is_passed(),
        })
    }

    fn row(&self) -> [String; 4] {
        let values = self.values.iter().map(|(label, number)| {
            let separator = if label.is_empty() { "" } else { ": " };
            match number.as_f64() {
                Some(exact) if number.is_f64() => format!("{label}{separator}{}", round(exact, 3)),
                _ => format!("{label}{separator}{number}"),
            }
        });
        let value = format!("{} {}", values.collect::<Vec<_>>().join(", "), self.unit);
        let limit = match &self.limit {
            None => String::new(),
            Some(Limit { min: Some(min), max }) => format!("{min} to {max}"),
            Some(Limit { min: None, max }) => format!("at most {}", round(*max, 3)),
        };
        let result = match (&self.limit, self.is_passed()) {
            (None, _) => "",
            (Some(_), true) => "passed",
            (Some(_), false) => "FAILED",
        };
        [self.name.clone(), value.trim_end().to_owned(), limit, result.to_owned()]
    }
}
