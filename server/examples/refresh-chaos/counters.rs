//! Counters of events, and of failures.

use std::{
    io::Write,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Maximum number of failures that are printed in full.
const MAX_PRINTED_FAILURES: u64 = 10;

macro_rules! counted {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $key:literal, $label:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the key for the JSON report.
            pub(crate) const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// Returns the label for the text report.
            pub(crate) const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

counted! {
    /// Expected events.
    Counter {
        Concurrent = "parallel", "concurrent refreshes of one session";
        Discarded = "answers_ignored", "responses lost: received and discarded";
        ClientDisconnected = "answers_hung_up", "responses lost: the client disconnected";
        ConnectionLost = "answers_broken", "responses lost: the connection broke";
        ImmediateRetries = "again_at_once", "retries immediately";
        DelayedRetries = "again_after_grace", "retries after the grace period";
        Late = "late", "responses that arrived after a newer one";
        Stale = "refresh_superseded", "responses with `refresh_superseded`";
        Unavailable = "unavailable", "responses with 503";
        Kills = "kills", "servers killed and restarted";
        KilledStarts = "killed_starts", "of these, killed again during startup";
        StolenTokens = "thefts", "sessions with a stolen token";
        ExpectedDetections = "replays_covered", "replays that must be detected";
        Detected = "replays_covered_caught", "of these, detected";
        OtherReplays = "replays_not_covered", "replays that need not be detected";
        OtherDetected = "replays_not_covered_caught", "of these, detected";
    }
}

counted! {
    /// Failures.
    Failure {
        LogOut = "honest_log_outs", "LOG-OUTS OF HONEST CLIENTS";
        Missed = "replays_missed", "REPLAYS NOT DETECTED";
        OtherSuccessor = "other_successors", "GENERATIONS WITH TWO SUCCESSORS";
        ServerError = "server_errors", "SERVER ERRORS (5xx)";
        Other = "other_faults", "OTHER FAILURES";
    }
}

pub(crate) struct Counters {
    counts: Vec<AtomicU64>,
    failures: Vec<AtomicU64>,
    /// Duration of each refresh in microseconds.
    took: Mutex<Vec<u32>>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            counts: zeros(Counter::ALL.len()),
            failures: zeros(Failure::ALL.len()),
            took: Mutex::default(),
        }
    }

    pub(crate) fn count(&self, counter: Counter) {
        self.counts[counter as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn of(&self, counter: Counter) -> u64 {
        self.counts[counter as usize].load(Relaxed)
    }

    /// Counts a failure, and prints the first ones.
    pub(crate) fn fail(&self, failure: Failure, description: &str) {
        if self.failures[failure as usize].fetch_add(1, Relaxed) < MAX_PRINTED_FAILURES {
            let _ = writeln!(std::io::stderr(), "\nFAILURE: {}: {description}", failure.label());
        }
    }

    pub(crate) fn failures_of(&self, failure: Failure) -> u64 {
        self.failures[failure as usize].load(Relaxed)
    }

    /// Returns whether there were no failures.
    pub(crate) fn is_clean(&self) -> bool {
        Failure::ALL.iter().all(|failure| self.failures_of(*failure) == 0)
    }

    /// Records a successful refresh.
    pub(crate) fn record_refresh(&self, took: Duration) {
        self.took().push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.took().len()
    }

    /// Returns percentiles of the refresh durations, and the maximum.
    pub(crate) fn latencies<const N: usize>(&self, shares: [f64; N]) -> ([Duration; N], Duration) {
        let mut took = self.took().clone();
        took.sort_unstable();
        let micros =
            |index: usize| Duration::from_micros(took.get(index).copied().unwrap_or(0).into());
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into some millions"
        )]
        let at = |share: f64| micros((took.len() as f64 * share) as usize);
        (shares.map(at), micros(took.len().saturating_sub(1)))
    }

    fn took(&self) -> MutexGuard<'_, Vec<u32>> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
