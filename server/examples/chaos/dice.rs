//! Chance that follows from the seed.

use countersign_core::Entropy;
use std::time::Duration;

/// A stream of numbers of its own: what one actor draws does not depend on how fast the others are.
pub(crate) struct Dice(Entropy);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }

    /// Dice for somebody else, with a seed of their own.
    pub(crate) fn split(&self) -> Self {
        Self::new(self.number())
    }

    /// `true` so many times in a hundred.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.number() % 100 < percent
    }

    /// A number below `end`, which is 1 or more.
    pub(crate) fn below(&self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end).expect("64 bits"))
            .expect("smaller than `end`")
    }

    /// A time from one to another.
    pub(crate) fn between(&self, from: Duration, to: Duration) -> Duration {
        let share =
            f64::from(u32::try_from(self.number() >> 32).expect("32 bits")) / f64::from(u32::MAX);
        from + to.saturating_sub(from).mul_f64(share)
    }

    fn number(&self) -> u64 {
        u64::from_be_bytes(self.0.bytes().expect("seeded randomness does not fail"))
    }
}
