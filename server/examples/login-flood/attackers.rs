//! The attackers: clients that log in continuously regardless of the responses, and clients that
//! disconnect early.

use crate::{
    account::{PASSWORD, client_ip, log_in},
    http_client::HttpClient,
    timeline::Timeline,
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use tokio::time::{Instant, interval_at, sleep_until};

/// Number of clients that disconnect during the flood.
pub(crate) const DISCONNECTS: u32 = 1000;

/// The credentials that an attacker sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attack {
    /// Accounts that don't exist, a different one each time.
    UnknownAccount,
    /// Wrong passwords for the account of a browser with a device cookie.
    WrongPassword,
    /// The correct password of the attacker's own account.
    CorrectPassword,
}

impl Attack {
    pub(crate) const ALL: [(Self, &str); 3] = [
        (Self::UnknownAccount, "of no account"),
        (Self::WrongPassword, "with a wrong password"),
        (Self::CorrectPassword, "with the right one"),
    ];

    /// Returns what a client does, by its number.
    pub(crate) const fn for_client(number: u32) -> Self {
        match number % 10 {
            0 => Self::CorrectPassword,
            1 | 2 => Self::WrongPassword,
            _ => Self::UnknownAccount,
        }
    }
}

/// Returns an email address without an account, a different one each time.
fn unknown_email() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("unknown{}@example.com", NUMBER.fetch_add(1, Relaxed))
}

/// Logs in repeatedly. `email` is the account: the attacker's own, or one with a device cookie.
pub(crate) async fn flood(
    timeline: Arc<Timeline>,
    kind: Attack,
    mut client: HttpClient,
    email: String,
) {
    sleep_until(timeline.flood_start()).await;
    while Instant::now() < timeline.flood_end() {
        let (request, right) = match kind {
            Attack::UnknownAccount => (log_in(&unknown_email(), "a guess", None), 401),
            Attack::WrongPassword => (log_in(&email, "a guess", None), 401),
            Attack::CorrectPassword => (log_in(&email, PASSWORD, None), 200),
        };
        let status = match client.send(&request).await {
            Ok(response) => {
                timeline.check_status("a log-in of the flood", &response, &[right, 429, 503]);
                response.status
            }
            Err(_) => 0,
        };
        timeline.record_attack(kind, status);
    }
}

/// Sends log-in requests, or the first part of them, and disconnects before the response.
pub(crate) async fn send_and_disconnect(timeline: Arc<Timeline>, first_address: u32) -> u32 {
    let mut times = interval_at(timeline.flood_start(), timeline.flood / DISCONNECTS);
    let mut sent = 0;
    for number in 0..DISCONNECTS {
        times.tick().await;
        let mut client = HttpClient::new(timeline.server, client_ip(first_address + number));
        sent += u32::from(
            client
                .send_and_disconnect(&log_in(&unknown_email(), "a guess", None), number % 2 == 1)
                .await
                .is_ok(),
        );
    }
    sent
}
