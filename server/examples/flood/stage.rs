//! What everybody here shares: when what happens, and what is written down of it.

use crate::{crowd::Kind, probes::Probe, wire::Answer};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long it is calm before the flood, and how long the server is watched after it.
pub(crate) const CALM: Duration = Duration::from_secs(10);
pub(crate) const AFTER: Duration = Duration::from_secs(10);
/// So soon after the flood everything must be as it was before.
const BACK: Duration = Duration::from_secs(5);

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

pub(crate) struct Stage {
    pub(crate) server: SocketAddr,
    pub(crate) began: Instant,
    pub(crate) flood: Duration,
    samples: Mutex<Vec<Sample>>,
    flooded: Mutex<BTreeMap<(Kind, u16), u64>>,
    faults: Mutex<BTreeMap<String, u64>>,
}

/// What a probe saw.
#[derive(Clone, Copy)]
struct Sample {
    probe: Probe,
    /// When it was due.
    due: Instant,
    /// From then until the answer was there.
    took: Duration,
    refused: bool,
}

impl Stage {
    pub(crate) fn new(server: SocketAddr, flood: Duration) -> Self {
        Self {
            server,
            began: Instant::now(),
            flood,
            samples: Mutex::default(),
            flooded: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub(crate) fn flood_begins(&self) -> Instant {
        self.began + CALM
    }

    pub(crate) fn flood_ends(&self) -> Instant {
        self.flood_begins() + self.flood
    }

    pub(crate) fn ends(&self) -> Instant {
        self.flood_ends() + AFTER
    }

    pub(crate) fn phase(&self, at: Instant) -> Phase {
        if at < self.flood_begins() {
            Phase::Calm
        } else if at < self.flood_ends() {
            Phase::Flood
        } else {
            Phase::After
        }
    }

    /// Writes down what must not happen.
    pub(crate) fn fault(&self, what: String) {
        *lock(&self.faults).entry(what).or_default() += 1;
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        lock(&self.faults).iter().map(|(what, times)| format!("{what} ({times} times)")).collect()
    }

    /// Looks whether an answer is one of those that are right.
    pub(crate) fn judge(&self, what: &str, answer: &Answer, right: &[u16]) {
        let Answer { status, retry_after, .. } = answer;
        if !right.contains(status) {
            self.fault(format!("{what} was answered with {status}"));
        } else if matches!(status, 429 | 503) && !retry_after {
            self.fault(format!("{what} was answered with {status} without Retry-After"));
        }
    }

    /// A probe that was due then has its answer now. Only newcomers may be refused, and only while
    /// the server recovers.
    pub(crate) fn probed(&self, probe: Probe, due: Instant, answer: anyhow::Result<Answer>) {
        let took = due.elapsed();
        let recovering = self.phase(due) == Phase::After && due < self.flood_ends() + BACK;
        let right: &[u16] =
            if probe == Probe::Newcomer && recovering { &[200, 429, 503] } else { &[200] };
        let phase = Phase::ALL[self.phase(due) as usize].1;
        match answer {
            Ok(answer) => {
                self.judge(&format!("{phase}: {}", probe.label()), &answer, right);
                lock(&self.samples).push(Sample {
                    probe,
                    due,
                    took,
                    refused: answer.status != 200,
                });
            }
            Err(error) => self.fault(format!("{phase}: {}: {error:#}", probe.label())),
        }
    }

    /// How long answers to a probe took in a phase, sorted.
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

    /// How long after the flood somebody was refused for the last time.
    pub(crate) fn recovered(&self) -> Duration {
        let refused = lock(&self.samples)
            .iter()
            .filter(|sample| sample.refused)
            .map(|sample| sample.due)
            .max();
        refused.map_or(Duration::ZERO, |last| last.saturating_duration_since(self.flood_ends()))
    }

    /// One of the flood was answered so: 0 if the connection broke.
    pub(crate) fn flooded(&self, kind: Kind, status: u16) {
        *lock(&self.flooded).entry((kind, status)).or_default() += 1;
    }

    /// How many of the flood were answered so, by status, and the rest.
    pub(crate) fn answers(&self, kind: Kind) -> [u64; 5] {
        let mut counts = [0; 5];
        for ((_, status), count) in lock(&self.flooded).iter().filter(|((of, _), _)| *of == kind) {
            counts[[200, 401, 429, 503].iter().position(|known| known == status).unwrap_or(4)] +=
                count;
        }
        counts
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
