//! Random numbers derived from the seed.

use countersign_core::RandomSource;
use std::time::Duration;

/// An independent random number generator: the numbers of one actor don't depend on the timing of
/// others.
pub(super) struct Rng(RandomSource);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(RandomSource::seeded(seed))
    }

    /// Returns a generator with a new seed.
    pub(super) fn split(&self) -> Self {
        Self::new(self.number())
    }

    /// Returns `true` with this probability in percent.
    pub(super) fn chance(&self, percent: u64) -> bool {
        self.number() % 100 < percent
    }

    /// Returns a number below `end`, which must be at least 1.
    pub(super) fn below(&self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end).expect("64 bits"))
            .expect("smaller than `end`")
    }

    /// Returns a duration in a range.
    pub(super) fn between(&self, from: Duration, to: Duration) -> Duration {
        let share =
            f64::from(u32::try_from(self.number() >> 32).expect("32 bits")) / f64::from(u32::MAX);
        from + to.saturating_sub(from).mul_f64(share)
    }

    fn number(&self) -> u64 {
        u64::from_be_bytes(self.0.bytes().expect("seeded randomness does not fail"))
    }
}
