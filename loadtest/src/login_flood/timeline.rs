//! The phases of the test, and the recorded results.

use super::scenario::{Attack, Phase, Probe};
use crate::{
    api::ApiResponse,
    latencies::Latencies,
    report::{DatabaseReport, Measurement},
};
use http::header::RETRY_AFTER;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Duration of the phases before and after the flood.
const CALM_DURATION: Duration = Duration::from_secs(10);
const AFTER_DURATION: Duration = Duration::from_secs(10);
/// Maximum time until all requests are served again after the flood.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Timeline {
    pub(super) server: SocketAddr,
    pub(super) began: Instant,
    pub(super) flood: Duration,
    samples: Mutex<Vec<Sample>>,
    /// The number of responses by status, which is `None` if the connection broke.
    attacks: Mutex<BTreeMap<(Attack, Option<u16>), u64>>,
    failures: Mutex<BTreeMap<String, u64>>,
}

/// A measurement of a probe.
#[derive(Clone, Copy)]
struct Sample {
    probe: Probe,
    /// The scheduled time of the request.
    due: Instant,
    /// Time from then until the response.
    took: Duration,
    rejected: bool,
}

impl Timeline {
    pub(super) fn new(server: SocketAddr, flood: Duration) -> Self {
        Self {
            server,
            began: Instant::now(),
            flood,
            samples: Mutex::default(),
            attacks: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    pub(super) fn flood_start(&self) -> Instant {
        self.began + CALM_DURATION
    }

    pub(super) fn flood_end(&self) -> Instant {
        self.flood_start() + self.flood
    }

    pub(super) fn end(&self) -> Instant {
        self.flood_end() + AFTER_DURATION
    }

    pub(super) fn phase(&self, at: Instant) -> Phase {
        if at < self.flood_start() {
            Phase::Calm
        } else if at < self.flood_end() {
            Phase::Flood
        } else {
            Phase::After
        }
    }

    fn fail(&self, description: String) {
        *lock(&self.failures).entry(description).or_default() += 1;
    }

    /// Records a failure unless the status is one of the expected ones.
    pub(super) fn check_status(&self, description: &str, response: &ApiResponse, expected: &[u16]) {
        let status = response.status.as_u16();
        let retry_after = response.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        if !expected.contains(&status) {
            self.fail(format!("{description} got {status}"));
        } else if matches!(status, 429 | 503)
            && !retry_after.is_some_and(|value| value.parse().is_ok_and(|seconds: u32| seconds > 0))
        {
            self.fail(format!("{description} got {status} without Retry-After"));
        }
    }

    /// Records the result of a probe. Only new browsers may be rejected, and only while the server
    /// recovers.
    pub(super) fn record_probe(
        &self,
        probe: Probe,
        due: Instant,
        response: anyhow::Result<ApiResponse>,
    ) {
        let took = due.elapsed();
        let phase = self.phase(due);
        let recovering = phase == Phase::After && due < self.flood_end() + RECOVERY_TIMEOUT;
        let expected: &[u16] =
            if probe == Probe::NewBrowser && recovering { &[200, 429, 503] } else { &[200] };
        let description = format!("{}: {}", Phase::ALL[phase as usize].1, probe.label());
        match response {
            Ok(response) => {
                self.check_status(&description, &response, expected);
                let rejected = response.status != 200;
                lock(&self.samples).push(Sample { probe, due, took, rejected });
            }
            Err(error) => self.fail(format!("{description}: {error:#}")),
        }
    }

    /// Records the status of an attacker's request; `None` if the connection broke.
    pub(super) fn record_attack(&self, kind: Attack, status: Option<u16>) {
        *lock(&self.attacks).entry((kind, status)).or_default() += 1;
    }

    /// Returns the latencies of a probe in a phase.
    fn latencies(&self, probe: Probe, phase: Phase) -> Latencies {
        let samples = lock(&self.samples);
        let samples = samples
            .iter()
            .filter(|sample| sample.probe == probe && self.phase(sample.due) == phase);
        Latencies::new(samples.map(|sample| sample.took).collect())
    }

    /// Returns the time from the end of the flood until the last rejected request.
    fn recovery_time(&self) -> Duration {
        let samples = lock(&self.samples);
        let last = samples.iter().filter(|sample| sample.rejected).map(|sample| sample.due).max();
        last.map_or(Duration::ZERO, |last| last.saturating_duration_since(self.flood_end()))
    }

    /// Returns the number of responses to an attack by status.
    fn responses(&self, kind: Attack) -> [(&'static str, u64); 5] {
        let mut counts = [("200", 0), ("401", 0), ("429", 0), ("503", 0), ("other", 0)];
        for ((_, status), count) in lock(&self.attacks).iter().filter(|((of, _), _)| *of == kind) {
            let status = status.map(|status| status.to_string());
            let at = counts.iter().position(|(name, _)| Some(*name) == status.as_deref());
            counts[at.unwrap_or(4)].1 += count;
        }
        counts
    }

    /// Adds the latency of each probe in each phase, and the responses to each kind of attack.
    pub(super) fn add_to(&self, report: &mut DatabaseReport) {
        for probe in Probe::ALL {
            for (phase, name) in Phase::ALL {
                let latencies = self.latencies(probe, phase);
                if latencies.len() > 0 {
                    let name = format!("{}, {name}", probe.label());
                    report.add(Measurement::latencies(&name, &latencies));
                }
            }
        }
        for (kind, label) in Attack::ALL {
            report.add(Measurement::counts(label, "", self.responses(kind)));
        }
        let recovery = Measurement::millis("last rejection after the flood", self.recovery_time());
        report.add(recovery);
        for (description, times) in lock(&self.failures).iter() {
            report.fail(format!("{description} ({times} times)"));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
