//! The arithmetic of a limit: the token bucket (generic cell rate algorithm) and the growing delay.

use crate::{rate_limit::policy::RateLimit, sessions::access_token::CLOCK_SKEW};
use countersign_types::{TimeSpan, Timestamp};

/// The first delay of [`Algorithm::Backoff`](super::Algorithm::Backoff).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::policy::LimitedAction;
    use proptest::prelude::*;

    #[test]
    fn backoff_doubles_after_burst_up_to_period() {
        let limit = LimitedAction::AccountPassword.rule().default;
        let seconds: Vec<_> =
            (1..13).map(|attempts| limit.backoff(attempts).as_seconds()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(limit.backoff(i64::MAX), limit.period);
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
