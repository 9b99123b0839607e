//! Sessions with a stolen refresh token, which has two holders. Every replay that must be detected
//! has to be detected.
//!
//! The server can't know which of the two holders is the owner, so both behave alike here: either
//! one may continue the session, and either one may be too late. These sessions are not used
//! otherwise.

use super::{
    connection_pool::Timeout,
    context::{GRACE, RunContext},
    counters::{Counter, Failure},
    event_log::EventLog,
    expectations::Expectations,
    outcomes::{self, AccessOutcome, Account, RefreshOutcome, TokenPair},
    rng::Rng,
};
use std::{ops::ControlFlow, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Maximum number of steps of a session without a detection.
const MAX_STEPS: usize = 20;
/// Percentage of steps in which the same holder acts again.
const SAME_HOLDER_PERCENT: u64 = 40;
/// Percentage of steps in which a valid access token is used.
const ACCESS_TOKEN_USE_PERCENT: u64 = 35;
/// Percentage of responses that are discarded.
const LOST_RESPONSE_PERCENT: u64 = 8;
/// Percentage of steps that are preceded by the grace period.
const AFTER_GRACE_PERCENT: u64 = 50;

pub(super) struct TokenThief {
    context: Arc<RunContext>,
    rng: Rng,
    account: Option<Account>,
}

/// A session with a stolen token.
struct TheftScenario<'a> {
    context: &'a RunContext,
    rng: &'a Rng,
    expectations: Expectations,
    event_log: EventLog,
    holders: [TokenPair; 2],
}

impl TokenThief {
    pub(super) fn new(context: Arc<RunContext>, rng: Rng) -> Self {
        Self { context, rng, account: None }
    }

    /// Runs until the end of the test.
    pub(super) async fn run(mut self) {
        while !self.context.is_finished() {
            let pair =
                outcomes::sign_up_or_log_in(&self.context, &self.rng, &mut self.account).await;
            self.context.counters.count(Counter::StolenTokens);
            let expectations = Expectations::new(pair.refresh.generation);
            let scenario = TheftScenario {
                context: &self.context,
                rng: &self.rng,
                expectations,
                event_log: EventLog::default(),
                holders: [pair.clone(), pair],
            };
            scenario.run().await;
        }
    }
}

impl TheftScenario<'_> {
    async fn run(mut self) {
        // The owner has used the session before the token is stolen.
        for _ in 0..self.rng.below(3) {
            if self.refresh(0).await.is_break() {
                return;
            }
        }
        self.holders[1] = self.holders[0].clone();
        self.event_log.record("the token is stolen".to_owned());
        let mut holder = 0;
        for _ in 0..MAX_STEPS {
            if self.context.is_finished() {
                return;
            }
            let (from, to) = if self.rng.chance(AFTER_GRACE_PERCENT) {
                (GRACE, GRACE * 3 / 2)
            } else {
                (Duration::ZERO, GRACE / 2)
            };
            sleep(self.rng.between(from, to)).await;
            if !self.rng.chance(SAME_HOLDER_PERCENT) {
                holder = 1 - holder;
            }
            let flow = if self.rng.chance(ACCESS_TOKEN_USE_PERCENT)
                && Instant::now() < self.holders[holder].good_until
            {
                self.use_access(holder).await
            } else {
                self.refresh(holder).await
            };
            if flow.is_break() {
                return;
            }
        }
    }

    async fn use_access(&mut self, holder: usize) -> ControlFlow<()> {
        let pair = self.holders[holder].clone();
        let generation = pair.refresh.generation;
        match outcomes::me(self.context, self.rng, &pair.access).await {
            AccessOutcome::Granted(by) => {
                self.event_log
                    .record(format!("{holder} used the access token of {generation} at {by:?}"));
                self.expectations.record_use(generation, by);
                ControlFlow::Continue(())
            }
            AccessOutcome::Rejected if Instant::now() < pair.good_until => {
                self.fail(Failure::Other, "an access token was rejected before it expired");
                ControlFlow::Break(())
            }
            AccessOutcome::Rejected | AccessOutcome::Unknown => ControlFlow::Continue(()),
        }
    }

    /// One holder sends its refresh token.
    async fn refresh(&mut self, holder: usize) -> ControlFlow<()> {
        let counters = &self.context.counters;
        let generation = self.holders[holder].refresh.generation;
        let (is_replay, must_detect) = (
            self.expectations.is_replay(generation),
            self.expectations.must_be_detected(generation, &self.context.fleet),
        );
        let outcome = self.refresh_until_response(holder).await;
        if must_detect {
            match outcome {
                // The session must have ended for the other holder as well.
                RefreshOutcome::Rejected => match self.refresh_until_response(1 - holder).await {
                    RefreshOutcome::Rejected => counters.count(Counter::Detected),
                    _ => {
                        self.fail(
                            Failure::Missed,
                            "the replay was rejected, but the session continues",
                        );
                    }
                },
                _ => self.fail(Failure::Missed, "the replay was not rejected"),
            }
            self.context.counters.count(Counter::ExpectedDetections);
            return ControlFlow::Break(());
        }
        if is_replay {
            counters.count(Counter::OtherReplays);
        }
        match outcome {
            RefreshOutcome::Issued(_) if self.rng.chance(LOST_RESPONSE_PERCENT) => {
                counters.count(Counter::Discarded);
            }
            RefreshOutcome::Issued(pair) => self.holders[holder] = pair,
            RefreshOutcome::Rejected if is_replay => {
                counters.count(Counter::OtherDetected);
                return ControlFlow::Break(());
            }
            RefreshOutcome::Rejected => {
                self.fail(Failure::Other, "the newest token was rejected");
                return ControlFlow::Break(());
            }
            RefreshOutcome::Stale | RefreshOutcome::Unknown => {}
        }
        ControlFlow::Continue(())
    }

    /// Sends a refresh request, with retries until there is a response.
    async fn refresh_until_response(&mut self, holder: usize) -> RefreshOutcome {
        let token = self.holders[holder].refresh.clone();
        let generation = token.generation;
        loop {
            let connection = self.context.connections.connect(None, self.rng).await;
            self.event_log
                .record(format!("{holder} sends {generation} to server {}", connection.server()));
            let outcome =
                outcomes::refresh(self.context, connection, &token, Timeout::Default).await;
            match &outcome {
                RefreshOutcome::Issued(pair) => self.expectations.issued(pair.refresh.generation),
                RefreshOutcome::Stale | RefreshOutcome::Rejected => {}
                RefreshOutcome::Unknown => self.expectations.possibly_issued(generation + 1),
            }
            self.event_log.record(format!("{generation} {outcome}"));
            if !matches!(outcome, RefreshOutcome::Unknown) {
                return outcome;
            }
        }
    }

    fn fail(&self, failure: Failure, description: &str) {
        self.context.counters.fail(failure, &format!("{description}{}", self.event_log.to_text()));
    }
}
