//! The phases of the test, and the kinds of clients.

use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Calm,
    Flood,
    After,
}

impl Phase {
    pub(super) const ALL: [(Self, &str); 3] =
        [(Self::Calm, "calm"), (Self::Flood, "flood"), (Self::After, "after")];
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Health,
    Me,
    Refresh,
    /// A browser with a device cookie, whose account is under attack.
    DeviceCookie,
    /// A browser without a device cookie. It sends nothing during the flood, when it may be
    /// rejected.
    NewBrowser,
}

impl Probe {
    pub(super) const ALL: [Self; 5] =
        [Self::Health, Self::Me, Self::Refresh, Self::DeviceCookie, Self::NewBrowser];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Health => "GET /healthz",
            Self::Me => "GET /api/v1/me",
            Self::Refresh => "POST /api/v1/auth/refresh",
            Self::DeviceCookie => "log-in, device cookie",
            Self::NewBrowser => "log-in, new browser",
        }
    }

    /// Returns the number of clients and their interval. There are enough clients that few have to
    /// wait for their own previous response.
    pub(super) const fn schedule(self) -> (u32, Duration) {
        match self {
            Self::Health | Self::Me => (20, Duration::from_secs(1)),
            Self::Refresh => (100, Duration::from_secs(5)),
            Self::DeviceCookie => (10, Duration::from_secs(10)),
            Self::NewBrowser => (20, Duration::from_secs(10)),
        }
    }
}

/// The credentials that an attacker sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attack {
    /// Accounts that don't exist, a different one each time.
    UnknownAccount,
    /// Wrong passwords for the account of a browser with a device cookie.
    WrongPassword,
    /// The correct password of the attacker's own account.
    CorrectPassword,
}

impl Attack {
    pub(super) const ALL: [(Self, &str); 3] = [
        (Self::UnknownAccount, "attacks on unknown accounts"),
        (Self::WrongPassword, "attacks with wrong passwords"),
        (Self::CorrectPassword, "attacks with correct passwords"),
    ];

    /// Returns what a client does, by its number.
    pub(super) const fn for_client(number: u32) -> Self {
        match number % 10 {
            0 => Self::CorrectPassword,
            1 | 2 => Self::WrongPassword,
            _ => Self::UnknownAccount,
        }
    }
}
