//! Rate limits: the table of policies, their arithmetic, and what is counted in memory.
//!
//! [`LimitedAction`] is the one list of operations that are limited. Each row names the subject
//! that is counted, the default, the setting and where the count is kept. The flows apply it
//! (`flow/tries.rs`); the rows of the database are in `store/limits.rs`.
//!
//! A password attempt is counted before the password is looked at, in a transaction of its own, so
//! that no failure undoes the count and concurrent attempts do not pass together. What a right
//! password costs its network is given back with its success. An attempt whose password was not
//! found wrong, because there was no capacity or no database, is given back as a whole.
//!
//! A network is an IPv4 address or an IPv6 prefix of 64 bits. Unknown accounts are counted like
//! known ones.

mod memory;

pub(crate) use memory::RateLimiter;

use crate::{Client, Error, ServerSecret, token::SKEW};
use aws_lc_rs::hmac;
use countersign_types::{Span, Timestamp};
use std::net::{IpAddr, Ipv6Addr};

/// The subject that an action is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An e-mail address, whether it has an account or not.
    Account,
    /// One of the few device slots of an account: see `DEVICE_SLOTS`.
    Device,
    /// A network address.
    Network,
    /// A signed-in user.
    User,
}

/// How attempts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `burst` at once, and one more each `period` (the generic cell rate algorithm).
    TokenBucket,
    /// `burst` at once, and then a delay that doubles from one second up to `period`. A success
    /// ends it; a day without attempts does, too.
    Backoff,
}

/// Where the count is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the memory of each node: costs no statement. A restart forgets it, and `n` nodes allow
    /// `n` times as much.
    Memory,
    /// In the database, where it holds for all nodes and over a restart. An action of a user is
    /// counted in memory first, so that a refused one costs no transaction.
    Database,
}

/// A number of actions, and how soon the next one is allowed: `60/3s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Allowed at once; at least 1.
    pub burst: u32,
    /// One more is allowed each period. With [`Algorithm::Backoff`]: the longest delay.
    pub period: Span,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name in the database and in the log; never changes.
    pub name: &'static str,
    /// The subject that is counted.
    pub subject: Subject,
    /// How it is counted.
    pub algorithm: Algorithm,
    /// Where it is counted.
    pub storage: Storage,
    /// The limit without a setting.
    pub default: RateLimit,
    /// The name of the setting.
    pub setting: &'static str,
    /// Whether the setting may be `off` on a public address.
    pub may_be_off: bool,
    /// What was done too often, in plural, for the log and for the documentation.
    pub message: &'static str,
}

macro_rules! limited_actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal $subject:ident $algorithm:ident $storage:ident
        $burst:literal/$seconds:literal s $setting:literal $(may_be $off:ident)? $message:literal;)*) => {
        /// An operation that is rate limited.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LimitedAction {$($(#[$doc])* $action),*}

        impl LimitedAction {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// The row of the table.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self {$(
                    Self::$action => Rule {
                        name: $name,
                        subject: Subject::$subject,
                        algorithm: Algorithm::$algorithm,
                        storage: Storage::$storage,
                        default: RateLimit { burst: $burst, period: Span::seconds($seconds) },
                        setting: $setting,
                        may_be_off: matches!(stringify!($($off)?).as_bytes(), b"off"),
                        message: $message,
                    },
                )*}
            }
        }
    };
}

limited_actions! {
    /// A password is tried for an account by a client that shows no device cookie of it. The delay
    /// is short: a client that tries without end delays the owner, at a browser that is not known,
    /// for as long. It leaves 1,440 attempts a day.
    AccountPassword = "password_of_account" Account Backoff Database 5/60 s
        "COUNTERSIGN_LIMIT_ACCOUNT_PASSWORD" "passwords tried for one account";
    /// A password is tried by a client with a device cookie or a session of the account.
    DevicePassword = "password_by_device" Device Backoff Database 5/60 s
        "COUNTERSIGN_LIMIT_DEVICE_PASSWORD" "passwords tried by one device";
    /// A wrong password is tried from a network, for any account.
    NetworkPassword = "password_by_address" Network TokenBucket Database 60/3 s
        "COUNTERSIGN_LIMIT_NETWORK_PASSWORD" may_be off "wrong passwords from one network";
    /// A sign-up.
    SignUp = "sign_up_by_address" Network TokenBucket Database 20/30 s
        "COUNTERSIGN_LIMIT_SIGN_UP" may_be off "sign-ups from one network";
    /// A log-in with the right password: it opens a session.
    LogIn = "log_in" User TokenBucket Database 100/3 s
        "COUNTERSIGN_LIMIT_LOG_IN" may_be off "log-ins of one user";
    /// A refresh that issues a new generation.
    Refresh = "refresh" User TokenBucket Memory 200/1 s
        "COUNTERSIGN_LIMIT_REFRESH" may_be off "refreshes of one user";
    /// A change of the display name.
    DisplayName = "display_name" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_DISPLAY_NAME" may_be off "changes of the display name";
    /// A change of the password.
    PasswordChange = "password_change" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_PASSWORD_CHANGE" may_be off "changes of the password";
    /// A request for the deletion of the account, or its cancellation.
    AccountDeletion = "account_deletion" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_ACCOUNT_DELETION" may_be off "requests and cancellations of account deletion";
    /// The end of one session, of all others or of all.
    SessionRevocation = "session_revocation" User TokenBucket Database 200/3 s
        "COUNTERSIGN_LIMIT_SESSION_REVOCATION" may_be off "requests to end sessions";
    /// An export of all data of the user.
    DataExport = "data_export" User TokenBucket Memory 20/30 s
        "COUNTERSIGN_LIMIT_DATA_EXPORT" may_be off "data exports of one user";
    /// A change of another account by an administrator.
    Administration = "administration" User TokenBucket Database 1000/1 s
        "COUNTERSIGN_LIMIT_ADMINISTRATION" may_be off "changes by one administrator";
}

/// The limits that are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits([Option<RateLimit>; LimitedAction::ALL.len()]);

impl Default for RateLimits {
    fn default() -> Self {
        let mut limits = Self::off();
        for action in LimitedAction::ALL {
            limits.set(*action, Some(action.rule().default));
        }
        limits
    }
}

impl RateLimits {
    /// No limits, for tests and benchmarks. The hash queue has no quotas either.
    #[must_use]
    pub const fn off() -> Self {
        Self([None; LimitedAction::ALL.len()])
    }

    /// Whether there are none at all.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The limit of an action; `None` if it is off.
    #[must_use]
    pub const fn get(&self, action: LimitedAction) -> Option<RateLimit> {
        self.0[action as usize]
    }

    /// Another limit for an action; `None`: none.
    pub const fn set(&mut self, action: LimitedAction, limit: Option<RateLimit>) {
        self.0[action as usize] = limit;
    }
}

/// The first delay of [`Algorithm::Backoff`].
const INITIAL_BACKOFF: Span = Span::seconds(1);

impl RateLimit {
    /// The time that `burst` actions take up. An action is allowed while less than that is taken.
    pub(crate) fn capacity(self) -> Span {
        Span(self.period.0.saturating_mul(i64::from(self.burst)))
    }

    /// The latest time until which a bucket that allows one more action can be in use.
    pub(crate) fn latest(self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.capacity().0 - self.period.0))
    }

    /// A bucket in use for longer than this was filled by a clock that has been set back since, or
    /// under another setting. It counts as empty.
    pub(crate) fn implausible(self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.capacity().0).saturating_add(SKEW.0))
    }

    /// When the next action is allowed, of a bucket that is in use until `full_at`.
    pub(crate) fn next(self, full_at: Timestamp) -> Timestamp {
        Timestamp(full_at.0.saturating_sub(self.capacity().0 - self.period.0))
    }

    /// Takes one from a bucket that is in use until `full_at`. Returns until when it is in use from
    /// now on, or when the next one is allowed.
    pub(crate) fn take(
        self,
        full_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, Timestamp> {
        let plausible = full_at.filter(|full_at| *full_at <= self.implausible(now));
        match plausible {
            Some(full_at) if full_at > self.latest(now) => Err(self.next(full_at)),
            Some(full_at) if full_at > now => Ok(full_at + self.period),
            Some(_) | None => Ok(now + self.period),
        }
    }

    /// The delay after so many failed attempts.
    pub(crate) fn backoff(self, attempts: i64) -> Span {
        let doublings = attempts - i64::from(self.burst);
        if doublings < 0 {
            return Span(0);
        }
        let factor = 1_i64
            .checked_shl(u32::try_from(doublings).unwrap_or(u32::MAX))
            .filter(|factor| *factor > 0)
            .unwrap_or(i64::MAX);
        Span(INITIAL_BACKOFF.0.saturating_mul(factor).min(self.period.0))
    }
}

/// How long failed password attempts are counted.
pub(crate) const ATTEMPT_RETENTION: Span = Span::days(1);

/// How many device counters an account has: cookies that were collected while the password was
/// known share these, so that many cookies give no more guesses than this many.
pub(crate) const DEVICE_SLOTS: u8 = 4;

/// The subject of a row of the table of limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) action: LimitedAction,
    pub(crate) subject: Vec<u8>,
}

impl Counter {
    /// Password attempts for the account of an address (its [`countersign_types::Email::key`]): by the
    /// device with this id, or by clients that are not known.
    pub(crate) fn of_password(
        secret: &ServerSecret,
        email_key: &str,
        device: Option<&[u8; 16]>,
    ) -> Self {
        // Keyed: the table would otherwise be a list of addresses that were typed.
        let mut text = email_key.as_bytes().to_vec();
        let action = if let Some(device) = device {
            let slot = hmac::sign(
                &secret.mac_key("device_slot", &[]),
                &[&text[..], &[0], device].concat(),
            )
            .as_ref()[0]
                % DEVICE_SLOTS;
            text.extend([0, slot]);
            LimitedAction::DevicePassword
        } else {
            LimitedAction::AccountPassword
        };
        Self {
            action,
            subject: hmac::sign(&secret.mac_key("limits", &[]), &text).as_ref().to_vec(),
        }
    }

    /// What a client does, by its network. Clients without an address share one.
    pub(crate) fn of_network(action: LimitedAction, client: &Client) -> Self {
        Self { action, subject: client.network() }
    }
}

/// The error of an action that is allowed at `until`.
pub(crate) fn refusal(action: LimitedAction, until: Option<Timestamp>, now: Timestamp) -> Error {
    let millis = until.map_or(0, |until| until.since(now).0).max(1);
    Error::TooMany {
        action,
        retry_after: u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX),
    }
}

/// The network of an address: 4 bytes of IPv4, or the first 8 of IPv6; 16 zeros without one.
pub(crate) fn network(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
        None => Ipv6Addr::UNSPECIFIED.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn each_action_has_its_own_name_and_setting() {
        let distinct = |text: fn(Rule) -> &'static str| {
            LimitedAction::ALL
                .iter()
                .map(|action| text(action.rule()))
                .collect::<HashSet<_>>()
                .len()
        };
        assert_eq!(distinct(|rule| rule.name), LimitedAction::ALL.len());
        assert_eq!(distinct(|rule| rule.setting), LimitedAction::ALL.len());
        for (index, action) in LimitedAction::ALL.iter().enumerate() {
            let rule = action.rule();
            assert_eq!(*action as usize, index, "{action:?}");
            assert!(rule.setting.starts_with("COUNTERSIGN_LIMIT_"), "{action:?}");
            assert_eq!(RateLimits::default().get(*action), Some(rule.default));
            assert!(
                rule.subject == Subject::User || rule.storage == Storage::Database,
                "{action:?}: memory is bounded for users only"
            );
            // Guessing one password has a limit on every public server.
            assert_eq!(rule.may_be_off, rule.algorithm == Algorithm::TokenBucket, "{action:?}");
        }
        assert!(RateLimits::off().is_off() && !RateLimits::default().is_off());
    }

    #[test]
    fn backoff_doubles_after_burst_up_to_period() {
        let limit = LimitedAction::AccountPassword.rule().default;
        let seconds: Vec<_> =
            (1..13).map(|attempts| limit.backoff(attempts).as_seconds()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(limit.backoff(i64::MAX), limit.period);
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let wait =
            |millis| match refusal(LimitedAction::SignUp, Some(Timestamp(millis)), Timestamp(0)) {
                Error::TooMany { retry_after, .. } => retry_after,
                other => panic!("{other:?}"),
            };
        assert_eq!([-5, 0, 1, 999, 1000, 1001, 30_000].map(wait), [1, 1, 1, 1, 1, 2, 30]);
        assert_eq!(wait(i64::MAX), u32::MAX);
    }

    #[test]
    fn network_is_one_for_all_spellings_and_a_prefix_of_64_bits() {
        let of = |text: &str| network(text.parse().ok());
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:DB8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(network(None).len(), 16);
    }

    #[test]
    fn many_devices_of_an_account_share_few_counters() {
        let secret = ServerSecret::generate(&crate::Entropy::seeded(1)).expect("seeded");
        let counters = |email: &str| {
            (0..200_u128)
                .map(|device| {
                    Counter::of_password(&secret, email, Some(&device.to_be_bytes())).subject
                })
                .collect::<HashSet<_>>()
        };
        assert_eq!(counters("ada@example.com").len(), usize::from(DEVICE_SLOTS));
        assert!(counters("ada@example.com").is_disjoint(&counters("eve@example.com")));
        assert!(
            !counters("ada@example.com")
                .contains(&Counter::of_password(&secret, "ada@example.com", None).subject)
        );
    }

    proptest! {
        /// In any window, no more than the burst and one for each period that has begun.
        #[test]
        fn bucket_allows_burst_and_then_one_per_period(burst in 1..20_u32, period in 1..5_000_i64, steps in proptest::collection::vec(0..3_000_i64, 1..200)) {
            let limit = RateLimit { burst, period: Span(period) };
            let (mut full_at, mut now, mut taken) = (None, Timestamp(0), 0_i64);
            for step in steps {
                now = now + Span(step);
                match limit.take(full_at, now) {
                    Ok(until) => { full_at = Some(until); taken += 1; }
                    Err(next) => {
                        prop_assert!(next > now && next.since(now) <= limit.period);
                        prop_assert!(limit.take(full_at, next).is_ok(), "the time that was told is enough");
                    }
                }
                prop_assert!(taken <= i64::from(burst) + now.0 / period + 1);
            }
        }

        #[test]
        fn bucket_with_any_clock_and_setting_never_waits_longer_than_it_holds(full_at in any::<i64>(), now in any::<i64>(), burst in 1..u32::MAX, period in 1..86_400_000_i64) {
            let limit = RateLimit { burst, period: Span(period) };
            if let Err(next) = limit.take(Some(Timestamp(full_at)), Timestamp(now / 2)) {
                prop_assert!(next.0 - now / 2 <= period + SKEW.0);
            }
        }
    }
}
