//! The cost of a hash, and how many are computed at once.

/// The cost of a hash, and the concurrency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingConfig {
    /// Memory of one hash in KiB (`m`).
    pub memory_kib: u32,
    /// Passes over the memory (`t`).
    pub iterations: u32,
    /// Lanes of argon2 (`p`).
    pub parallelism: u32,
    /// Number of threads, each with its own memory.
    pub threads: usize,
    /// Capacity of each of the two queues.
    pub queue_capacity: usize,
}

impl HashingConfig {
    /// Returns `m=19456,t=2,p=1`: the first choice of the OWASP password storage sheet and of ASVS
    /// 5.0, appendix C.
    #[must_use]
    pub const fn new(threads: usize) -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1, threads, queue_capacity: 64 }
    }
}
