//! The flood: clients that log in without a pause, whatever they are told, and others that hang up
//! in the middle.

use crate::{
    person::{PASSWORD, address, log_in},
    stage::Stage,
    wire::Line,
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use tokio::time::{Instant, interval_at, sleep_until};

/// So many hang up, in the time of the flood.
pub(crate) const HANG_UPS: u32 = 1000;

/// What one of the flood tries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Accounts that nobody has, each time another one.
    Unknown,
    /// Passwords for the account of one of the owners.
    Wrong,
    /// The right password for an account of its own.
    Right,
}

impl Kind {
    pub(crate) const ALL: [(Self, &str); 3] = [
        (Self::Unknown, "of no account"),
        (Self::Wrong, "with a wrong password"),
        (Self::Right, "with the right one"),
    ];

    /// What client number so-and-so does.
    pub(crate) const fn of(number: u32) -> Self {
        match number % 10 {
            0 => Self::Right,
            1 | 2 => Self::Wrong,
            _ => Self::Unknown,
        }
    }
}

/// A name that nobody has, and nobody has tried.
fn nobody() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("nobody{}@example.com", NUMBER.fetch_add(1, Relaxed))
}

/// Logs in again and again. `email` is the account: its own, or an owner's.
pub(crate) async fn rage(stage: Arc<Stage>, kind: Kind, mut line: Line, email: String) {
    sleep_until(stage.flood_begins()).await;
    while Instant::now() < stage.flood_ends() {
        let (request, right) = match kind {
            Kind::Unknown => (log_in(&nobody(), "a guess", None), 401),
            Kind::Wrong => (log_in(&email, "a guess", None), 401),
            Kind::Right => (log_in(&email, PASSWORD, None), 200),
        };
        let status = match line.ask(&request).await {
            Ok(answer) => {
                stage.judge("a log-in of the flood", &answer, &[right, 429, 503]);
                answer.status
            }
            Err(_) => 0,
        };
        stage.flooded(kind, status);
    }
}

/// Asks to be let in, or begins to, and is gone before there is an answer.
pub(crate) async fn hang_up(stage: Arc<Stage>, first_address: u32) -> u32 {
    let mut times = interval_at(stage.flood_begins(), stage.flood / HANG_UPS);
    let mut sent = 0;
    for number in 0..HANG_UPS {
        times.tick().await;
        let mut line = Line::new(stage.server, address(first_address + number));
        sent += u32::from(
            line.ask_and_go(&log_in(&nobody(), "a guess", None), number % 2 == 1).await.is_ok(),
        );
    }
    sent
}
