//! Repeating a transaction that a concurrent one has undone.

use crate::Error;

/// Counts the retries of a transaction that was undone by a concurrent one: a serialization failure
/// or a deadlock on Postgres. Nothing of it was written.
#[derive(Default)]
pub(crate) struct Retries(u32);

impl Retries {
    const MAX: u32 = 3;

    /// Whether to retry after this result.
    pub(crate) fn again<T>(&mut self, result: &Result<T, Error>) -> bool {
        let again = self.0 < Self::MAX && result.as_ref().is_err_and(Error::is_conflict);
        self.0 += 1;
        again
    }
}
