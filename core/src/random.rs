//! Random numbers and identifiers. No other module reads a random number generator (`clippy.toml`).

use crate::Error;
use aws_lc_rs::rand;
use countersign_types::Timestamp;
#[cfg(any(test, feature = "testing"))]
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A source of random bytes.
#[derive(Clone, Debug)]
pub enum RandomSource {
    /// The generator of AWS-LC, seeded by the operating system.
    System,
    /// A deterministic sequence: SHA-256 of the seed and a counter.
    #[cfg(any(test, feature = "testing"))]
    Seeded(Arc<Mutex<(u64, u64)>>),
}

impl RandomSource {
    /// Creates a deterministic source.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new((seed, 0))))
    }

    /// Returns random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        match self {
            Self::System => rand::fill(&mut bytes)
                .map_err(|_| Error::internal("operating system returned no random bytes"))?,
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

    /// Returns a number from 0 to `most`, inclusive. It is slightly biased, so it is not suitable
    /// for secrets.
    pub fn number_up_to(&self, most: i64) -> Result<i64, Error> {
        let number = u64::from_be_bytes(self.bytes()?) >> 1;
        Ok(i64::try_from(number).unwrap_or(0) % most.max(0).saturating_add(1))
    }

    /// Creates a version 7 UUID (RFC 9562, 5.7).
    pub fn id(&self, now: Timestamp) -> Result<Uuid, Error> {
        let millis = u64::try_from(now.0).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()?).into_uuid())
    }
}

/// Generates identifiers that sort in the order of their creation on this node, also within one
/// millisecond (RFC 9562, 6.2, method 1). This keeps the audit events of one transaction in order.
#[derive(Debug, Default)]
pub(crate) struct IdGenerator(Mutex<(i64, u16)>);

impl IdGenerator {
    /// Creates a version 7 UUID (RFC 9562, 5.7) whose first twelve random bits are a counter.
    pub(crate) fn next(&self, random: &RandomSource, now: Timestamp) -> Result<Uuid, Error> {
        let mut random: [u8; 10] = random.bytes()?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // After 4,096 identifiers in one millisecond the order is random.
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
    fn ids_of_one_millisecond_sort_in_creation_order() {
        let (ids, random) = (IdGenerator::default(), RandomSource::seeded(1));
        let mut made: Vec<_> =
            (0..1000).map(|_| ids.next(&random, Timestamp(5)).expect("an id")).collect();
        made.push(ids.next(&random, Timestamp(6)).expect("an id"));
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }
}
