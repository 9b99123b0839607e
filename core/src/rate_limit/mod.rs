//! Rate limits: the table of limited actions, the arithmetic, and the counters in memory.
//!
//! [`LimitedAction`] is the only list of limited operations. Each row has the counted subject, the
//! default, the setting and the place where the counter is stored. The operations apply it
//! (`throttling`); the counters in the database are in `store`.
//!
//! A password attempt is counted before the password is verified, in a transaction of its own, so
//! that no failure undoes the count and concurrent attempts cannot pass together. A correct
//! password returns the charge of its network. An attempt whose password was not verified, because
//! of overload or an outage, is undone as a whole.
//!
//! A network is an IPv4 address or an IPv6 prefix of 64 bits. Unknown accounts are counted like
//! known ones.

pub(crate) mod device_cookie;
mod memory;
pub(crate) mod store;
pub(crate) mod throttling;

pub(crate) use memory::RateLimiter;

use crate::{Error, RequestContext, ServerSecret, sessions::access_token::CLOCK_SKEW};
use aws_lc_rs::hmac;
use countersign_types::{TimeSpan, Timestamp};
use std::net::{IpAddr, Ipv6Addr};

/// The subject of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An email address, whether it has an account or not.
    Account,
    /// One of the few device slots of an account: see `DEVICE_SLOTS`.
    Device,
    /// A network address.
    Network,
    /// A signed-in user.
    User,
}

/// The counting algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `burst` at once, then one more each `period` (generic cell rate algorithm).
    TokenBucket,
    /// `burst` at once, then a delay that doubles from one second up to `period`. A success resets
    /// it, and so does a day without attempts.
    Backoff,
}

/// The storage of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The memory of each node, which costs no statement. A restart resets it, and `n` nodes allow
    /// `n` times as much.
    Memory,
    /// The database, for all nodes and across restarts. An action of a user is also counted in
    /// memory first, so that a rejected one costs no transaction.
    Database,
}

/// A rate limit, such as `60/3s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Number of actions that are allowed at once; at least 1.
    pub burst: u32,
    /// One more action is allowed each period. With [`Algorithm::Backoff`]: the maximum delay.
    pub period: TimeSpan,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name in the database and in the log. It must never change.
    pub name: &'static str,
    /// The counted subject.
    pub subject: Subject,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The storage.
    pub storage: Storage,
    /// The default limit.
    pub default: RateLimit,
    /// The name of the setting.
    pub setting: &'static str,
    /// Whether the setting may be `off` on a public address.
    pub may_be_off: bool,
    /// The actions in plural, for the log and the documentation.
    pub message: &'static str,
}

macro_rules! limited_actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal $subject:ident $algorithm:ident $storage:ident
        $burst:literal/$seconds:literal s $setting:literal $(may_be $off:ident)? $message:literal;
    )*) => {
        /// A rate limited operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LimitedAction {$($(#[$doc])* $action),*}

        impl LimitedAction {
            /// All actions, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// Returns the row of the table.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self {$(
                    Self::$action => Rule {
                        name: $name,
                        subject: Subject::$subject,
                        algorithm: Algorithm::$algorithm,
                        storage: Storage::$storage,
                        default: RateLimit { burst: $burst, period: TimeSpan::seconds($seconds) },
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
    /// A password attempt for an account without a valid device cookie. The maximum delay is short,
    /// because an attacker who never stops delays the owner on a new browser by as much. It leaves
    /// 1,440 attempts a day.
    AccountPassword = "password_of_account" Account Backoff Database 5/60 s
        "COUNTERSIGN_LIMIT_ACCOUNT_PASSWORD" "passwords tried for one account";
    /// A password attempt with a device cookie or a session of the account.
    DevicePassword = "password_by_device" Device Backoff Database 5/60 s
        "COUNTERSIGN_LIMIT_DEVICE_PASSWORD" "passwords tried by one device";
    /// A wrong password from a network, for any account.
    NetworkPassword = "password_by_address" Network TokenBucket Database 60/3 s
        "COUNTERSIGN_LIMIT_NETWORK_PASSWORD" may_be off "wrong passwords from one network";
    /// A sign-up.
    SignUp = "sign_up_by_address" Network TokenBucket Database 20/30 s
        "COUNTERSIGN_LIMIT_SIGN_UP" may_be off "sign-ups from one network";
    /// A log-in with the correct password, which creates a session.
    LogIn = "log_in" User TokenBucket Database 100/3 s
        "COUNTERSIGN_LIMIT_LOG_IN" may_be off "log-ins of one user";
    /// A refresh that issues a new generation.
    Refresh = "refresh" User TokenBucket Memory 200/1 s
        "COUNTERSIGN_LIMIT_REFRESH" may_be off "refreshes of one user";
    /// A change of the display name.
    DisplayName = "display_name" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_DISPLAY_NAME" may_be off "changes of the display name";
    /// A password change.
    PasswordChange = "password_change" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_PASSWORD_CHANGE" may_be off "changes of the password";
    /// A request for account deletion, or its cancellation.
    AccountDeletion = "account_deletion" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_ACCOUNT_DELETION" may_be off "requests and cancellations of account \
            deletion";
    /// A revocation of one session, all others or all.
    SessionRevocation = "session_revocation" User TokenBucket Database 200/3 s
        "COUNTERSIGN_LIMIT_SESSION_REVOCATION" may_be off "requests to end sessions";
    /// A data export.
    DataExport = "data_export" User TokenBucket Memory 20/30 s
        "COUNTERSIGN_LIMIT_DATA_EXPORT" may_be off "data exports of one user";
    /// A change of another account by an administrator.
    Administration = "administration" User TokenBucket Database 1000/1 s
        "COUNTERSIGN_LIMIT_ADMINISTRATION" may_be off "changes by one administrator";
}

/// The limits in force.
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
    /// Disables all limits, for tests and benchmarks. The hash queue has no quotas either.
    #[must_use]
    pub const fn off() -> Self {
        Self([None; LimitedAction::ALL.len()])
    }

    /// Whether all limits are disabled.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The limit of an action; `None` if it is disabled.
    #[must_use]
    pub const fn get(&self, action: LimitedAction) -> Option<RateLimit> {
        self.0[action as usize]
    }

    /// Sets the limit of an action; `None` disables it.
    pub const fn set(&mut self, action: LimitedAction, limit: Option<RateLimit>) {
        self.0[action as usize] = limit;
    }
}

/// The first delay of [`Algorithm::Backoff`].
const INITIAL_BACKOFF: TimeSpan = TimeSpan::seconds(1);

impl RateLimit {
    /// The capacity of the bucket, as the time that `burst` actions take up.
    pub(crate) fn capacity(self) -> TimeSpan {
        TimeSpan(self.period.0.saturating_mul(i64::from(self.burst)))
    }

    /// The latest `full_at` of a bucket that allows one more action.
    pub(crate) fn latest(self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.capacity().0 - self.period.0))
    }

    /// The latest plausible `full_at`. A later one was written by a clock that was set back since,
    /// or under another setting, and counts as empty.
    pub(crate) fn implausible(self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.capacity().0).saturating_add(CLOCK_SKEW.0))
    }

    /// The time when the next action is allowed, for a bucket that is full again at `full_at`.
    pub(crate) fn next(self, full_at: Timestamp) -> Timestamp {
        Timestamp(full_at.0.saturating_sub(self.capacity().0 - self.period.0))
    }

    /// Takes a token from a bucket that is full again at `full_at`. Returns the new `full_at`, or
    /// the time when the next action is allowed.
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

    /// The delay after this number of failed attempts.
    pub(crate) fn backoff(self, attempts: i64) -> TimeSpan {
        let doublings = attempts - i64::from(self.burst);
        if doublings < 0 {
            return TimeSpan(0);
        }
        let factor = 1_i64
            .checked_shl(u32::try_from(doublings).unwrap_or(u32::MAX))
            .filter(|factor| *factor > 0)
            .unwrap_or(i64::MAX);
        TimeSpan(INITIAL_BACKOFF.0.saturating_mul(factor).min(self.period.0))
    }
}

/// How long failed password attempts are counted.
pub(crate) const ATTEMPT_RETENTION: TimeSpan = TimeSpan::days(1);

/// Number of device counters of an account. Cookies share these, so that an attacker who collected
/// many cookies gets no more guesses than this many.
pub(crate) const DEVICE_SLOTS: u8 = 4;

/// The key of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) action: LimitedAction,
    pub(crate) subject: Vec<u8>,
}

impl Counter {
    /// Returns the counter of password attempts for an account (by the
    /// [`countersign_types::Email::lookup_key`] of its address): that of a device, or that of all
    /// unknown clients.
    pub(crate) fn for_password(
        secret: &ServerSecret,
        email_key: &str,
        device: Option<&[u8; 16]>,
    ) -> Self {
        // Keyed, so that the table is no list of addresses.
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

    /// Returns the counter of a network. Clients without an address share one.
    pub(crate) fn for_network(action: LimitedAction, context: &RequestContext) -> Self {
        Self { action, subject: context.ip_prefix() }
    }
}

/// Returns the error of an action that is allowed at `until`.
pub(crate) fn rate_limited(
    action: LimitedAction,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Error {
    let millis = until.map_or(0, |until| until.since(now).0).max(1);
    Error::RateLimited {
        action,
        retry_after: u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX),
    }
}

/// Returns the network of an address: 4 bytes of IPv4, the first 8 of IPv6, or 16 zeros without an
/// address.
pub(crate) fn ip_prefix(address: Option<IpAddr>) -> Vec<u8> {
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
            // Password guessing is limited on every public server.
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
        let wait = |millis| match rate_limited(
            LimitedAction::SignUp,
            Some(Timestamp(millis)),
            Timestamp(0),
        ) {
            Error::RateLimited { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!([-5, 0, 1, 999, 1000, 1001, 30_000].map(wait), [1, 1, 1, 1, 1, 2, 30]);
        assert_eq!(wait(i64::MAX), u32::MAX);
    }

    #[test]
    fn ip_prefix_is_canonical_and_64_bits_for_ipv6() {
        let of = |text: &str| ip_prefix(text.parse().ok());
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:DB8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(ip_prefix(None).len(), 16);
    }

    #[test]
    fn devices_of_an_account_share_few_counters() {
        let secret = ServerSecret::generate(&crate::RandomSource::seeded(1)).expect("seeded");
        let counters = |email: &str| {
            (0..200_u128)
                .map(|device| {
                    Counter::for_password(&secret, email, Some(&device.to_be_bytes())).subject
                })
                .collect::<HashSet<_>>()
        };
        assert_eq!(counters("ada@example.com").len(), usize::from(DEVICE_SLOTS));
        assert!(counters("ada@example.com").is_disjoint(&counters("eve@example.com")));
        assert!(
            !counters("ada@example.com")
                .contains(&Counter::for_password(&secret, "ada@example.com", None).subject)
        );
    }

    proptest! {
        /// In any window, at most the burst and one action for each period that has begun.
        #[test]
        fn bucket_allows_burst_and_then_one_per_period(
            burst in 1..20_u32,
            period in 1..5_000_i64,
            steps in proptest::collection::vec(0..3_000_i64, 1..200),
        ) {
            let limit = RateLimit { burst, period: TimeSpan(period) };
            let (mut full_at, mut now, mut taken) = (None, Timestamp(0), 0_i64);
            for step in steps {
                now = now + TimeSpan(step);
                match limit.take(full_at, now) {
                    Ok(until) => { full_at = Some(until); taken += 1; }
                    Err(next) => {
                        prop_assert!(next > now && next.since(now) <= limit.period);
                        prop_assert!(limit.take(full_at, next).is_ok(), "the time that was told \
                            is enough");
                    }
                }
                prop_assert!(taken <= i64::from(burst) + now.0 / period + 1);
            }
        }

        #[test]
        fn bucket_never_waits_longer_than_one_period(
            full_at in any::<i64>(),
            now in any::<i64>(),
            burst in 1..u32::MAX,
            period in 1..86_400_000_i64,
        ) {
            let limit = RateLimit { burst, period: TimeSpan(period) };
            if let Err(next) = limit.take(Some(Timestamp(full_at)), Timestamp(now / 2)) {
                prop_assert!(next.0 - now / 2 <= period + CLOCK_SKEW.0);
            }
        }
    }
}
