//! Honest clients: browsers with several tabs and an unreliable network. Nothing that they do may
//! end their session.

use super::{
    connection_pool::{PooledConnection, RequestPermit, Timeout},
    context::{GRACE, RunContext},
    counters::{Counter, Failure},
    event_log::EventLog,
    outcomes::{self, AccessOutcome, Account, RefreshOutcome, Token, TokenPair},
    rng::Rng,
    token_jar::{Stored, TokenJar},
};
use futures::future::join_all;
use std::{iter, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Maximum number of tabs.
const MAX_TABS: usize = 3;
/// Percentage of rounds in which all tabs refresh simultaneously.
const SIMULTANEOUS_PERCENT: u64 = 50;
/// Maximum delay of a tab in the other rounds.
const MAX_TAB_DELAY: Duration = Duration::from_millis(300);
/// Range of the pause between two rounds.
const ROUND_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(1200));
/// Percentage of slow requests.
const SLOW_PERCENT: u64 = 3;
/// Maximum delay of slow requests. Two other tabs can refresh in the meantime, within the grace
/// period.
const MAX_SLOW_DELAY: Duration = Duration::from_millis(600);
/// Percentage of responses that are discarded.
const LOST_RESPONSE_PERCENT: u64 = 4;
/// Percentage of requests that are aborted by the client.
const DISCONNECT_PERCENT: u64 = 4;
const MAX_DISCONNECT_DELAY: Duration = Duration::from_millis(12);
/// Percentage of lost responses after which the client retries immediately. Otherwise it retries
/// after the grace period.
const IMMEDIATE_RETRY_PERCENT: u64 = 60;
/// Percentage of responses whose access token is used.
const ACCESS_TOKEN_USE_PERCENT: u64 = 40;

pub(super) struct HonestClient {
    context: Arc<RunContext>,
    rng: Rng,
    tabs: usize,
    account: Option<Account>,
    jar: TokenJar,
    event_log: EventLog,
}

impl HonestClient {
    pub(super) async fn sign_up(context: Arc<RunContext>, rng: Rng) -> Self {
        let mut account = None;
        let jar = TokenJar::new(outcomes::sign_up_or_log_in(&context, &rng, &mut account).await);
        Self {
            tabs: 1 + rng.below(MAX_TABS),
            context,
            rng,
            account,
            jar,
            event_log: EventLog::default(),
        }
    }

    /// Runs until the end of the test.
    pub(super) async fn run(mut self) -> Self {
        while !self.context.is_finished() {
            self.round().await;
            if self.jar.is_signed_out() {
                self.jar = TokenJar::new(
                    outcomes::sign_up_or_log_in(&self.context, &self.rng, &mut self.account).await,
                );
                self.event_log.record("logged in again".to_owned());
            }
            sleep(self.rng.between(ROUND_PAUSE.0, ROUND_PAUSE.1)).await;
        }
        self
    }

    /// Refreshes a last time at the end of the test, which detects a log-out that was not noticed
    /// before.
    pub(super) async fn verify_session(&self) {
        while let RefreshOutcome::Unknown = self.refresh(None, false, Timeout::Default).await {}
    }

    /// Refreshes in some of the tabs.
    async fn round(&self) {
        let awake = 1 + self.rng.below(self.tabs);
        if self.rng.chance(SIMULTANEOUS_PERCENT) {
            let permits = self.context.connections.permits(awake).await;
            join_all(permits.into_iter().map(|permit| self.refresh_tab(Some(permit)))).await;
        } else {
            let offsets =
                iter::repeat_with(|| self.rng.between(Duration::ZERO, MAX_TAB_DELAY)).take(awake);
            join_all(offsets.map(async |offset| {
                sleep(offset).await;
                self.refresh_tab(None).await;
            }))
            .await;
        }
    }

    /// Refreshes in one tab, with retries until this tab or another one has a response.
    async fn refresh_tab(&self, mut permit: Option<RequestPermit>) {
        let mut slow = self.rng.chance(SLOW_PERCENT);
        loop {
            let before = self.jar.token();
            let fate = self.rng.below(100) as u64;
            let timeout_kind = if fate < DISCONNECT_PERCENT {
                Timeout::DisconnectAfter(self.rng.between(Duration::ZERO, MAX_DISCONNECT_DELAY))
            } else {
                Timeout::Default
            };
            let outcome =
                self.refresh(permit.take(), std::mem::take(&mut slow), timeout_kind).await;
            match outcome {
                RefreshOutcome::Issued(pair)
                    if (DISCONNECT_PERCENT..DISCONNECT_PERCENT + LOST_RESPONSE_PERCENT)
                        .contains(&fate) =>
                {
                    self.context.counters.count(Counter::Discarded);
                    self.event_log
                        .record(format!("the response {} is lost", pair.refresh.generation));
                }
                RefreshOutcome::Issued(pair) => return self.keep(pair).await,
                RefreshOutcome::Stale | RefreshOutcome::Rejected => return,
                RefreshOutcome::Unknown => {}
            }
            if self.rng.chance(IMMEDIATE_RETRY_PERCENT) {
                self.context.counters.count(Counter::ImmediateRetries);
            } else {
                self.context.counters.count(Counter::DelayedRetries);
                sleep(GRACE + self.rng.between(Duration::ZERO, GRACE / 4)).await;
            }
            if self.jar.is_signed_out() || self.jar.token() != before {
                return;
            }
        }
    }

    /// Sends the refresh token of the jar; after `refresh_superseded`, sends the current token of
    /// the jar. Every other rejection is a log-out.
    async fn refresh(
        &self,
        permit: Option<RequestPermit>,
        slow: bool,
        timeout_kind: Timeout,
    ) -> RefreshOutcome {
        let connection = self.context.connections.connect(permit, &self.rng).await;
        let (mut token, mut read_at) = (self.jar.token(), Instant::now());
        if slow {
            sleep(self.rng.between(Duration::ZERO, MAX_SLOW_DELAY)).await;
        }
        let mut outcome = self.send(connection, &token, timeout_kind).await;
        if let RefreshOutcome::Stale = outcome {
            let connection = self.context.connections.connect(None, &self.rng).await;
            (token, read_at) = (self.jar.token(), Instant::now());
            outcome = self.send(connection, &token, Timeout::Default).await;
        }
        if let RefreshOutcome::Rejected | RefreshOutcome::Stale = outcome {
            self.logged_out(&format!(
                "a refresh token was rejected {:.1?} after it was read from the jar",
                read_at.elapsed()
            ));
        }
        outcome
    }

    async fn send(
        &self,
        connection: PooledConnection<'_>,
        token: &Token,
        timeout_kind: Timeout,
    ) -> RefreshOutcome {
        let in_flight = self.jar.begin_request();
        if in_flight.is_concurrent {
            self.context.counters.count(Counter::Concurrent);
        }
        let (generation, server) = (token.generation, connection.server());
        self.event_log.record(format!("sends {generation} to server {server}"));
        let outcome = outcomes::refresh(&self.context, connection, token, timeout_kind).await;
        self.event_log.record(format!("{generation} {outcome}"));
        outcome
    }

    /// Stores the tokens of a response, and sometimes uses the access token.
    async fn keep(&self, pair: TokenPair) {
        match self.jar.store(pair.clone()) {
            Stored::Newer | Stored::Same => {}
            Stored::Older => self.context.counters.count(Counter::Late),
            Stored::Differs => self.context.counters.fail(
                Failure::OtherSuccessor,
                &format!("two tokens of one generation{}", self.event_log.to_text()),
            ),
        }
        if self.rng.chance(ACCESS_TOKEN_USE_PERCENT) {
            let access = outcomes::me(&self.context, &self.rng, &pair.access).await;
            self.event_log.record(format!("used the access token of {}", pair.refresh.generation));
            if matches!(access, AccessOutcome::Rejected) && Instant::now() < pair.good_until {
                self.logged_out("an access token was rejected before it expired");
            }
        }
    }

    fn logged_out(&self, why: &str) {
        if self.jar.sign_out() {
            self.context
                .counters
                .fail(Failure::LogOut, &format!("{why}{}", self.event_log.to_text()));
        }
    }
}
