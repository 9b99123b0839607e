//! Counters of events, and of failures.

use crate::{
    latencies::Latencies,
    output::Output,
    report::{DatabaseReport, Measurement},
};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Maximum number of failures that are printed in full.
const MAX_PRINTED_FAILURES: u64 = 10;

macro_rules! labelled_enum {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $label:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name { $($variant),* }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the label for the report.
            pub(super) const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

labelled_enum! {
    /// Expected events.
    Counter {
        Concurrent = "concurrent refreshes of one session";
        Discarded = "responses lost: received and discarded";
        ClientDisconnected = "responses lost: the client disconnected";
        ConnectionLost = "responses lost: the connection broke";
        ImmediateRetries = "retries immediately";
        DelayedRetries = "retries after the grace period";
        Late = "responses that arrived after a newer one";
        Stale = "responses with `refresh_superseded`";
        Unavailable = "responses with 503";
        Kills = "servers killed and restarted";
        KilledStarts = "servers killed again during startup";
        StolenTokens = "sessions with a stolen token";
        ExpectedDetections = "replays that must be detected";
        Detected = "replays that must be detected: detected";
        OtherReplays = "replays that need not be detected";
        OtherDetected = "replays that need not be detected: detected";
    }
}

labelled_enum! {
    /// Failures.
    Failure {
        LogOut = "log-outs of honest clients";
        Missed = "replays not detected";
        OtherSuccessor = "generations with two successors";
        ServerError = "server errors (5xx)";
        Other = "other failures";
    }
}

pub(super) struct Counters {
    counts: Vec<AtomicU64>,
    failures: Vec<AtomicU64>,
    /// Duration of each refresh.
    took: Mutex<Vec<Duration>>,
    output: Output,
}

impl Counters {
    pub(super) fn new(output: Output) -> Self {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            counts: zeros(Counter::ALL.len()),
            failures: zeros(Failure::ALL.len()),
            took: Mutex::default(),
            output,
        }
    }

    pub(super) fn count(&self, counter: Counter) {
        self.counts[counter as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn of(&self, counter: Counter) -> u64 {
        self.counts[counter as usize].load(Relaxed)
    }

    /// Counts a failure, and prints the first ones.
    pub(super) fn fail(&self, failure: Failure, description: &str) {
        if self.failures[failure as usize].fetch_add(1, Relaxed) < MAX_PRINTED_FAILURES {
            let label = failure.label();
            self.output.print_error(&format!("\nFAILURE: {label}: {description}"));
        }
    }

    pub(super) fn failures_of(&self, failure: Failure) -> u64 {
        self.failures[failure as usize].load(Relaxed)
    }

    /// Records a successful refresh.
    pub(super) fn record_refresh(&self, took: Duration) {
        self.took().push(took);
    }

    pub(super) fn refreshes(&self) -> u64 {
        self.took().len().try_into().expect("64 bits")
    }

    pub(super) fn latencies(&self) -> Latencies {
        Latencies::new(self.took().clone())
    }

    /// Adds all counters; failures have a limit of zero.
    pub(super) fn add_to(&self, report: &mut DatabaseReport) {
        for counter in Counter::ALL {
            report.add(Measurement::count(counter.label(), self.of(*counter)));
        }
        for failure in Failure::ALL {
            let count = Measurement::count(failure.label(), self.failures_of(*failure));
            report.add(count.at_most(0.0));
        }
    }

    fn took(&self) -> MutexGuard<'_, Vec<Duration>> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
