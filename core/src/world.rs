//! Where the present and randomness come from. Nothing else in Countersign reads a clock or a random
//! number generator (`clippy.toml` sees to it).

use crate::Error;
use aws_lc_rs::rand;
use countersign_types::Timestamp;
#[cfg(any(test, feature = "testing"))]
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use uuid::Uuid;

/// The wall clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// The machine's, if it were wrong by so much.
    #[cfg(any(test, feature = "testing"))]
    Wrong(countersign_types::Span),
    /// Moved by hand.
    #[cfg(any(test, feature = "testing"))]
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at `now` until it is moved.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.0)))
    }

    /// Moves a manual clock, backwards too.
    #[cfg(any(test, feature = "testing"))]
    pub fn advance(&self, span: countersign_types::Span) {
        if let Self::Manual(now) = self {
            now.fetch_add(span.0, Ordering::SeqCst);
        }
    }

    /// The present. A clock before 1970 counts as 1970.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place where the wall clock is read"
            )]
            Self::System => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
            }
            #[cfg(any(test, feature = "testing"))]
            Self::Wrong(by) => Self::System.now() + *by,
            #[cfg(any(test, feature = "testing"))]
            Self::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }
}

impl Clock {
    /// Whether it goes by itself.
    pub(crate) const fn is_of_a_machine(&self) -> bool {
        match self {
            Self::System => true,
            #[cfg(any(test, feature = "testing"))]
            Self::Wrong(_) => true,
            #[cfg(any(test, feature = "testing"))]
            Self::Manual(_) => false,
        }
    }
}

/// A point on a clock that only ever goes forward: for "how long ago did this machine do that".
/// (The runtime's, which tests can move.)
#[must_use]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Randomness.
#[derive(Clone, Debug)]
pub enum Entropy {
    /// The generator of AWS-LC, seeded by the operating system.
    System,
    /// The same numbers for the same seed: SHA-256 of the seed and a counter.
    #[cfg(any(test, feature = "testing"))]
    Seeded(Arc<Mutex<(u64, u64)>>),
}

impl Entropy {
    /// Randomness that repeats itself.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new((seed, 0))))
    }

    /// Unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        match self {
            Self::System => rand::fill(&mut bytes)
                .map_err(|_| Error::internal("no randomness from the operating system"))?,
            #[cfg(any(test, feature = "testing"))]
            Self::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in bytes.chunks_mut(32) {
                    state.1 += 1;
                    let block = aws_lc_rs::digest::digest(
                        &aws_lc_rs::digest::SHA256,
                        &[state.0.to_be_bytes(), state.1.to_be_bytes()].concat(),
                    );
                    chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
                }
            }
        }
        Ok(bytes)
    }

    /// A number from 0 to `most`, both included. Not for secrets: it is slightly uneven.
    pub fn up_to(&self, most: i64) -> Result<i64, Error> {
        let number = u64::from_be_bytes(self.bytes()?) >> 1;
        Ok(i64::try_from(number).unwrap_or(0) % most.max(0).saturating_add(1))
    }

    /// A version 7 UUID (RFC 9562, 5.7).
    pub fn id(&self, now: Timestamp) -> Result<Uuid, Error> {
        let millis = u64::try_from(now.0).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()?).into_uuid())
    }
}

/// Makes ids that sort in the order in which this node made them, also within one millisecond (RFC
/// 9562, 6.2, method 1): what happened in one transaction stays in its order.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<(i64, u16)>);

impl Ids {
    /// A version 7 UUID (RFC 9562, 5.7), whose first twelve random bits count.
    pub(crate) fn next(&self, entropy: &Entropy, now: Timestamp) -> Result<Uuid, Error> {
        let mut random: [u8; 10] = entropy.bytes()?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Four thousand in a millisecond are more than there will be; the order of the rest is left
        // to chance.
        *last =
            if last.0 == now.0 { (now.0, last.1.saturating_add(1).min(0xfff)) } else { (now.0, 0) };
        random[..2].copy_from_slice(&last.1.to_be_bytes());
        let millis = u64::try_from(now.0).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_sort_in_the_order_of_their_making() {
        let (ids, entropy) = (Ids::default(), Entropy::seeded(1));
        let mut made: Vec<_> =
            (0..1000).map(|_| ids.next(&entropy, Timestamp(5)).expect("an id")).collect();
        made.push(ids.next(&entropy, Timestamp(6)).expect("an id"));
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }
}
