//! Counters in the memory of this node: actions of users, and log throttles.

use crate::{
    Error,
    log_throttle::LogThrottle,
    rate_limit::{LimitedAction, RateLimits, rate_limited},
};
use countersign_types::{Timestamp, UserId};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Maximum number of buckets in each of two halves: about 8 MiB together.
const CAPACITY: usize = 32_768;

type Key = (LimitedAction, UserId);

/// Buckets of users, by the time when they are full again. When the young half is full, it replaces
/// the old one, and the buckets that were unused for longest are dropped. A dropped bucket counts
/// as empty: with more active users than fit, the limit is less strict and memory stays bounded.
struct Buckets {
    capacity: usize,
    young: HashMap<Key, Timestamp>,
    old: HashMap<Key, Timestamp>,
}

impl Buckets {
    fn new(capacity: usize) -> Self {
        Self { capacity, young: HashMap::new(), old: HashMap::new() }
    }

    fn get(&self, key: &Key) -> Option<Timestamp> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn set(&mut self, key: Key, full_at: Timestamp) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, full_at);
    }
}

/// Counts actions of users on this node.
pub(crate) struct RateLimiter {
    limits: RateLimits,
    buckets: Mutex<Buckets>,
    /// One for each action, in the order of the table.
    throttles: Vec<LogThrottle>,
}

impl RateLimiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self::with_capacity(limits, CAPACITY)
    }

    fn with_capacity(limits: RateLimits, capacity: usize) -> Self {
        let throttles = LimitedAction::ALL.iter().map(|_| LogThrottle::default()).collect();
        Self { limits, buckets: Mutex::new(Buckets::new(capacity)), throttles }
    }

    /// Counts an action of a user on this node.
    pub(crate) fn take(
        &self,
        action: LimitedAction,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(limit) = self.limits.get(action) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = limit
            .take(buckets.get(&(action, user)), now)
            .map_err(|next| rate_limited(action, Some(next), now))?;
        buckets.set((action, user), full_at);
        Ok(())
    }

    /// Checks whether [`RateLimiter::take`] would allow an action now, without counting.
    pub(crate) fn check(
        &self,
        action: LimitedAction,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(limit) = self.limits.get(action) else { return Ok(()) };
        let full_at =
            self.buckets.lock().unwrap_or_else(PoisonError::into_inner).get(&(action, user));
        limit.take(full_at, now).map(drop).map_err(|next| rate_limited(action, Some(next), now))
    }

    /// The throttle for log lines about an action.
    pub(crate) fn throttle(&self, action: LimitedAction) -> &LogThrottle {
        &self.throttles[action as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::TimeSpan;
    use uuid::Uuid;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn user_bucket_refills_and_is_independent() {
        let limiter = RateLimiter::new(RateLimits::default());
        let (action, mut now) = (LimitedAction::DataExport, Timestamp(1_000_000));
        let limit = action.rule().default;
        for _ in 0..limit.burst {
            limiter.check(action, user(1), now).expect("a check counts nothing");
            limiter.check(action, user(1), now).expect("a check counts nothing");
            limiter.take(action, user(1), now).expect("within the burst");
        }
        assert!(matches!(
            limiter.check(action, user(1), now),
            Err(Error::RateLimited { retry_after: 30, .. })
        ));
        assert!(matches!(
            limiter.take(action, user(1), now),
            Err(Error::RateLimited { retry_after: 30, .. })
        ));
        assert!(
            limiter.take(action, user(2), now).is_ok()
                && limiter.take(LimitedAction::Refresh, user(1), now).is_ok()
        );
        now = now + limit.period;
        assert!(limiter.take(action, user(1), now).is_ok());
        assert!(limiter.take(action, user(1), now).is_err());
        assert!(
            limiter.take(action, user(1), now - TimeSpan::days(1)).is_ok(),
            "a clock that is set back locks no user out"
        );
    }

    #[test]
    fn bucket_count_is_bounded_and_latest_are_kept() {
        let limiter = RateLimiter::with_capacity(RateLimits::default(), 10);
        let (action, now) = (LimitedAction::DataExport, Timestamp(1_000_000));
        for number in 0..10_000 {
            limiter.take(action, user(number), now).expect("the first of each");
            let buckets = limiter.buckets.lock().expect("a lock");
            assert!(buckets.young.len() + buckets.old.len() <= 20);
            assert!(buckets.get(&(action, user(number.saturating_sub(5)))).is_some(), "{number}");
        }
    }

    #[test]
    fn disabled_action_is_not_counted() {
        let limiter = RateLimiter::new(RateLimits::off());
        for _ in 0..10_000 {
            limiter.take(LimitedAction::DataExport, user(1), Timestamp(0)).expect("no limit");
        }
        assert!(limiter.buckets.lock().expect("a lock").young.is_empty());
    }
}
