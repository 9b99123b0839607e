//! Those who only use the server, in all three phases, and watch how it is. Each asks at its own
//! times, whether the server keeps up or not: what comes too late is counted from when it was due.

use crate::{
    person::{PASSWORD, Person, Tokens, log_in},
    stage::{Phase, Stage},
    wire::{Answer, Request},
};
use anyhow::Context;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::interval_at;

/// A connection on which nothing is said stays open for longer than this, and not for much longer.
const STAYS_OPEN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    Health,
    Me,
    Refresh,
    /// One whose account strangers try, at a browser of theirs.
    Owner,
    /// Somebody at a browser that the server does not know. In the flood these are not asked: there
    /// is a place for them or not.
    Newcomer,
}

impl Probe {
    pub(crate) const ALL: [Self; 5] =
        [Self::Health, Self::Me, Self::Refresh, Self::Owner, Self::Newcomer];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Health => "GET /healthz",
            Self::Me => "GET /api/v1/me",
            Self::Refresh => "POST /api/v1/auth/refresh",
            Self::Owner => "an owner's log-in",
            Self::Newcomer => "a newcomer's log-in",
        }
    }

    /// How many there are, and how often each of them asks. So many that hardly any has to wait for
    /// its own last answer.
    pub(crate) const fn rhythm(self) -> (u32, Duration) {
        match self {
            Self::Health | Self::Me => (20, Duration::from_secs(1)),
            Self::Refresh => (100, Duration::from_secs(5)),
            Self::Owner => (10, Duration::from_secs(10)),
            Self::Newcomer => (20, Duration::from_secs(10)),
        }
    }

    /// The life of one of them.
    pub(crate) async fn live(self, stage: Arc<Stage>, number: u32, mut person: Person) {
        let (many, period) = self.rhythm();
        let mut times = interval_at(stage.began + period * number / many, period);
        // Between the sign-up and now it may have been too long.
        person.line.hang_up();
        loop {
            let due = times.tick().await;
            if due >= stage.ends() {
                return;
            }
            if self == Self::Newcomer && stage.phase(due) == Phase::Flood {
                continue;
            }
            if period > STAYS_OPEN {
                person.line.hang_up();
            }
            let answer = self.ask(&mut person).await;
            stage.probed(self, due, answer);
        }
    }

    async fn ask(self, person: &mut Person) -> anyhow::Result<Answer> {
        let Person { line, email, tokens, known } = person;
        let request = match self {
            Self::Health => Request { path: "/healthz", ..Request::default() },
            Self::Me => Request {
                path: "/api/v1/me",
                bearer: Some(&tokens.access_token),
                ..Request::default()
            },
            Self::Refresh => {
                let body = json!({ "refresh_token": tokens.refresh_token }).to_string();
                Request { path: "/api/v1/auth/refresh", body: Some(body), ..Request::default() }
            }
            Self::Owner => log_in(email, PASSWORD, Some(known)),
            Self::Newcomer => log_in(email, PASSWORD, None),
        };
        let answer = line.ask(&request).await?;
        if self == Self::Refresh && answer.status == 200 {
            *tokens = Tokens::of(&answer).context("a refresh without tokens")?;
        }
        Ok(answer)
    }
}
