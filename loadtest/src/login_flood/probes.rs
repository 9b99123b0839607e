//! The probes: clients that use the server in all three phases and measure latency. Each sends
//! requests on a fixed schedule, even if the server is slow; latency counts from the scheduled
//! time.

use super::{
    client::Account,
    scenario::{Phase, Probe},
    timeline::Timeline,
};
use crate::api::{ApiRequest, ApiResponse, PASSWORD, Transport};
use anyhow::Context;
use std::{sync::Arc, time::Duration};
use tokio::time::interval_at;

/// Idle connections stay open for longer than this.
const STAYS_OPEN: Duration = Duration::from_secs(2);

impl Probe {
    /// Runs one client.
    pub(super) async fn run(self, timeline: Arc<Timeline>, number: u32, mut account: Account) {
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

    async fn send(self, account: &mut Account) -> anyhow::Result<ApiResponse> {
        let Account { client, email, access_token, refresh_token, device_cookie } = account;
        let request = match self {
            Self::Health => ApiRequest::get("/healthz"),
            Self::Me => ApiRequest::me(access_token),
            Self::Refresh => ApiRequest::refresh(refresh_token),
            Self::DeviceCookie => {
                ApiRequest::log_in(email, PASSWORD, Transport::Cookie).with_cookie(device_cookie)
            }
            Self::NewBrowser => ApiRequest::log_in(email, PASSWORD, Transport::Body),
        };
        let response = client.send(request).await?;
        if self == Self::Refresh && response.status == 200 {
            let tokens = response.tokens().context("a refresh response without tokens")?;
            *refresh_token = tokens.refresh_token;
        }
        Ok(response)
    }
}
