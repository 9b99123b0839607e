//! The phases of the test, and the recorded results.

use crate::{attackers::Attack, http_client::Response, probes::Probe};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Duration of the phases before and after the flood.
pub(crate) const CALM_DURATION: Duration = Duration::from_secs(10);
pub(crate) const AFTER_DURATION: Duration = Duration::from_secs(10);
/// Maximum time until all requests are served again after the flood.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Calm,
    Flood,
    After,
}

impl Phase {
    pub(crate) const ALL: [(Self, &str); 3] =
        [(Self::Calm, "calm"), (Self::Flood, "flood"), (Self::After, "after")];
}

pub(crate) struct Timeline {
    pub(crate) server: SocketAddr,
    pub(crate) began: Instant,
    pub(crate) flood: Duration,
    samples: Mutex<Vec<Sample>>,
    attacks: Mutex<BTreeMap<(Attack, u16), u64>>,
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
    pub(crate) fn new(server: SocketAddr, flood: Duration) -> Self {
        Self {
            server,
            began: Instant::now(),
            flood,
            samples: Mutex::default(),
            attacks: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    pub(crate) fn flood_start(&self) -> Instant {
        self.began + CALM_DURATION
    }

    pub(crate) fn flood_end(&self) -> Instant {
        self.flood_start() + self.flood
    }

    pub(crate) fn end(&self) -> Instant {
        self.flood_end() + AFTER_DURATION
    }

    pub(crate) fn phase(&self, at: Instant) -> Phase {
        if at < self.flood_start() {
            Phase::Calm
        } else if at < self.flood_end() {
            Phase::Flood
        } else {
            Phase::After
        }
    }

    /// Records a failure.
    pub(crate) fn fail(&self, description: String) {
        *lock(&self.failures).entry(description).or_default() += 1;
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        lock(&self.failures)
            .iter()
            .map(|(description, times)| format!("{description} ({times} times)"))
            .collect()
    }

    /// Records a failure unless the status is one of the expected ones.
    pub(crate) fn check_status(&self, description: &str, response: &Response, expected: &[u16]) {
        let Response { status, retry_after, .. } = response;
        if !expected.contains(status) {
            self.fail(format!("{description} got {status}"));
        } else if matches!(status, 429 | 503) && !retry_after {
            self.fail(format!("{description} got {status} without Retry-After"));
        }
    }

    /// Records the result of a probe. Only new browsers may be rejected, and only while the server
    /// recovers.
    pub(crate) fn record_probe(
        &self,
        probe: Probe,
        due: Instant,
        response: anyhow::Result<Response>,
    ) {
        let took = due.elapsed();
        let recovering =
            self.phase(due) == Phase::After && due < self.flood_end() + RECOVERY_TIMEOUT;
        let expected: &[u16] =
            if probe == Probe::NewBrowser && recovering { &[200, 429, 503] } else { &[200] };
        let phase = Phase::ALL[self.phase(due) as usize].1;
        match response {
            Ok(response) => {
                self.check_status(&format!("{phase}: {}", probe.label()), &response, expected);
                lock(&self.samples).push(Sample {
                    probe,
                    due,
                    took,
                    rejected: response.status != 200,
                });
            }
            Err(error) => self.fail(format!("{phase}: {}: {error:#}", probe.label())),
        }
    }

    /// Returns the latencies of a probe in a phase, sorted.
    pub(crate) fn took(&self, probe: Probe, phase: Phase) -> Vec<Duration> {
        let samples = lock(&self.samples);
        let mut took: Vec<_> = samples
            .iter()
            .filter(|sample| sample.probe == probe && self.phase(sample.due) == phase)
            .map(|sample| sample.took)
            .collect();
        took.sort_unstable();
        took
    }

    /// Returns the time from the end of the flood until the last rejected request.
    pub(crate) fn recovered(&self) -> Duration {
        let rejected = lock(&self.samples)
            .iter()
            .filter(|sample| sample.rejected)
            .map(|sample| sample.due)
            .max();
        rejected.map_or(Duration::ZERO, |last| last.saturating_duration_since(self.flood_end()))
    }

    /// Records the status of an attacker's request; 0 if the connection broke.
    pub(crate) fn record_attack(&self, kind: Attack, status: u16) {
        *lock(&self.attacks).entry((kind, status)).or_default() += 1;
    }

    /// Returns the number of responses to an attack by status, and all others.
    pub(crate) fn responses(&self, kind: Attack) -> [u64; 5] {
        let mut counts = [0; 5];
        for ((_, status), count) in lock(&self.attacks).iter().filter(|((of, _), _)| *of == kind) {
            counts[[200, 401, 429, 503].iter().position(|other| other == status).unwrap_or(4)] +=
                count;
        }
        counts
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
