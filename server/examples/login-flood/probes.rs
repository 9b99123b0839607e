//! The probes: clients that use the server in all three phases and measure latency. Each sends
//! requests on a fixed schedule, even if the server is slow; latency counts from the scheduled
//! time.

use crate::{
    account::{Account, PASSWORD, Tokens, log_in},
    http_client::{Request, Response},
    timeline::{Phase, Timeline},
};
use anyhow::Context;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::interval_at;

/// Idle connections stay open for longer than this.
const STAYS_OPEN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    Health,
    Me,
    Refresh,
    /// A browser with a device cookie, whose account is under attack.
    KnownBrowser,
    /// A browser without a device cookie. It sends nothing during the flood, when it may be
    /// rejected.
    NewBrowser,
}

impl Probe {
    pub(crate) const ALL: [Self; 5] =
        [Self::Health, Self::Me, Self::Refresh, Self::KnownBrowser, Self::NewBrowser];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Health => "GET /healthz",
            Self::Me => "GET /api/v1/me",
            Self::Refresh => "POST /api/v1/auth/refresh",
            Self::KnownBrowser => "log-in, device cookie",
            Self::NewBrowser => "log-in, new browser",
        }
    }

    /// Returns the number of clients and their interval. There are enough clients that few have to
    /// wait for their own previous response.
    pub(crate) const fn schedule(self) -> (u32, Duration) {
        match self {
            Self::Health | Self::Me => (20, Duration::from_secs(1)),
            Self::Refresh => (100, Duration::from_secs(5)),
            Self::KnownBrowser => (10, Duration::from_secs(10)),
            Self::NewBrowser => (20, Duration::from_secs(10)),
        }
    }

    /// Runs one client.
    pub(crate) async fn run(self, timeline: Arc<Timeline>, number: u32, mut account: Account) {
        let (many, period) = self.schedule();
        let mut times = interval_at(timeline.began + period * number / many, period);
        // The connection may have been closed since the sign-up.
        account.client.disconnect();
        loop {
            let due = times.tick().await;
            if due >= timeline.end() {
                return;
            }
            if self == Self::NewBrowser && timeline.phase(due) == Phase::Flood {
                continue;
            }
            if period > STAYS_OPEN {
                account.client.disconnect();
            }
            let response = self.send(&mut account).await;
            timeline.record_probe(self, due, response);
        }
    }

    async fn send(self, account: &mut Account) -> anyhow::Result<Response> {
        let Account { client, email, tokens, device_cookie } = account;
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
            Self::KnownBrowser => log_in(email, PASSWORD, Some(device_cookie)),
            Self::NewBrowser => log_in(email, PASSWORD, None),
        };
        let response = client.send(&request).await?;
        if self == Self::Refresh && response.status == 200 {
            *tokens = Tokens::of(&response).context("a refresh response without tokens")?;
        }
        Ok(response)
    }
}
