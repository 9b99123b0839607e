//! The attackers: clients that log in continuously regardless of the responses, and clients that
//! disconnect early.

use super::{
    client::{Client, client_ip},
    scenario::Attack,
    timeline::Timeline,
};
use crate::{
    api::{ApiRequest, PASSWORD, Transport, WRONG_PASSWORD},
    http_client,
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use tokio::time::{Instant, interval_at, sleep_until};

/// Number of clients that disconnect during the flood.
pub(super) const DISCONNECTS: u32 = 1000;

/// Returns an email address without an account, a different one each time.
fn unknown_email() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("unknown{}@example.com", NUMBER.fetch_add(1, Relaxed))
}

/// Logs in repeatedly. `email` is the account: the attacker's own, or one with a device cookie.
pub(super) async fn flood(
    timeline: Arc<Timeline>,
    kind: Attack,
    mut client: Client,
    email: String,
) {
    sleep_until(timeline.flood_start()).await;
    while Instant::now() < timeline.flood_end() {
        let (email, password, expected) = match kind {
            Attack::UnknownAccount => (unknown_email(), WRONG_PASSWORD, 401),
            Attack::WrongPassword => (email.clone(), WRONG_PASSWORD, 401),
            Attack::CorrectPassword => (email.clone(), PASSWORD, 200),
        };
        let request = ApiRequest::log_in(&email, password, Transport::Body);
        let status = match client.send(request).await {
            Ok(response) => {
                timeline.check_status("a log-in of the flood", &response, &[expected, 429, 503]);
                Some(response.status.as_u16())
            }
            Err(_) => None,
        };
        timeline.record_attack(kind, status);
    }
}

/// Sends log-in requests, or the first part of them, and disconnects before the response. Returns
/// the number of clients that could send this.
pub(super) async fn send_and_disconnect(timeline: Arc<Timeline>, first_address: u32) -> u32 {
    let mut times = interval_at(timeline.flood_start(), timeline.flood / DISCONNECTS);
    let mut sent = 0;
    for number in 0..DISCONNECTS {
        times.tick().await;
        let request = ApiRequest::log_in(&unknown_email(), WRONG_PASSWORD, Transport::Body)
            .with_ip(client_ip(first_address + number));
        let half = number % 2 == 1;
        let result = http_client::send_and_disconnect(timeline.server, request, half).await;
        sent += u32::from(result.is_ok());
    }
    sent
}
