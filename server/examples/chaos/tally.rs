//! What is counted, and what must not happen.

use std::{
    io::Write,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// So many faults are told in full.
const TOLD: u64 = 10;

macro_rules! counted {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $key:literal, $label:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name for programs.
            pub(crate) const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// Its name for people.
            pub(crate) const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

counted! {
    /// What happens, and may.
    Count {
        Parallel = "parallel", "refreshes beside another one of the same session";
        Ignored = "answers_ignored", "answers lost: came, but nobody listened";
        HungUp = "answers_hung_up", "answers lost: the client hung up";
        Broken = "answers_broken", "answers lost: the connection broke";
        AgainAtOnce = "again_at_once", "tried again at once";
        AgainAfterGrace = "again_after_grace", "tried again after the grace";
        Late = "late", "answers that came after a newer one";
        Stale = "stale", "answers of `stale`";
        Unavailable = "unavailable", "answers of 503";
        Kills = "kills", "servers killed and started again";
        KilledStarts = "killed_starts", "of these, killed again while starting";
        Thefts = "thefts", "sessions with a thief";
        CoveredReplays = "replays_covered", "replays that the promise covers";
        CaughtReplays = "replays_covered_caught", "of these, caught";
        OtherReplays = "replays_not_covered", "replays that the promise does not cover";
        OtherCaught = "replays_not_covered_caught", "of these, caught all the same";
    }
}

counted! {
    /// What must not happen.
    Fault {
        LogOut = "honest_log_outs", "HONEST LOG-OUTS";
        Missed = "replays_missed", "COVERED REPLAYS NOT CAUGHT";
        OtherSuccessor = "other_successors", "GENERATIONS WITH ANOTHER SUCCESSOR";
        ServerError = "server_errors", "SERVER ERRORS (500 and the like)";
        Other = "other_faults", "OTHER FAULTS";
    }
}

pub(crate) struct Tally {
    counts: Vec<AtomicU64>,
    faults: Vec<AtomicU64>,
    /// How long each renewal took, in microseconds.
    took: Mutex<Vec<u32>>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            counts: zeros(Count::ALL.len()),
            faults: zeros(Fault::ALL.len()),
            took: Mutex::default(),
        }
    }

    pub(crate) fn count(&self, what: Count) {
        self.counts[what as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn of(&self, what: Count) -> u64 {
        self.counts[what as usize].load(Relaxed)
    }

    /// Counts what must not happen, and tells the first ones at once.
    pub(crate) fn fault(&self, fault: Fault, what: &str) {
        if self.faults[fault as usize].fetch_add(1, Relaxed) < TOLD {
            let _nobody_reads = writeln!(std::io::stderr(), "\nFAULT: {}: {what}", fault.label());
        }
    }

    pub(crate) fn faults_of(&self, fault: Fault) -> u64 {
        self.faults[fault as usize].load(Relaxed)
    }

    /// Whether nothing happened that must not.
    pub(crate) fn is_clean(&self) -> bool {
        Fault::ALL.iter().all(|fault| self.faults_of(*fault) == 0)
    }

    /// A refresh token was answered with its successor.
    pub(crate) fn renewed(&self, took: Duration) {
        self.took().push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn renewals(&self) -> usize {
        self.took().len()
    }

    /// How long renewals took: these shares of them at most so long, and the longest.
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
