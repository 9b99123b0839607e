//! The jobs of the hashing threads, and their results.

use super::{
    normalized_password::NormalizedPassword,
    stored_hash::{SALT_LENGTH, StoredHash},
};
use countersign_types::{DisplayName, Email, PasswordWeakness, UserId};

/// A job of a hashing thread.
pub(super) enum HashJob {
    /// Hashes a password.
    Hash { password: NormalizedPassword, user: UserId, salt: [u8; SALT_LENGTH] },
    /// Checks the strength of a new password, then hashes it.
    HashNew {
        password: NormalizedPassword,
        user: UserId,
        email: Email,
        name: Option<DisplayName>,
        salt: [u8; SALT_LENGTH],
    },
    /// Compares a password with a stored hash. `None`: with the decoy.
    Verify { password: NormalizedPassword, stored: Option<StoredHash> },
    /// Keeps a thread busy until the sender is dropped.
    #[cfg(any(test, feature = "testing"))]
    Hold(std::sync::mpsc::Receiver<()>),
    /// Panics in the job.
    #[cfg(test)]
    Panic,
    /// Panics in the thread, outside of the job's own panic guard.
    #[cfg(test)]
    PanicOutside,
}

/// The result of a [`HashJob`].
pub(super) enum HashOutcome {
    /// The PHC string.
    Hashed(String),
    TooWeak(PasswordWeakness),
    Compared(PasswordMatch),
}

/// The result of comparing a password with the stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordMatch {
    /// The password is wrong.
    NoMatch,
    /// The password is correct.
    Match,
    /// The password is correct, but the hash is outdated: computed at a lower cost, not bound to
    /// its user, or not normalized.
    MatchNeedsRehash,
}
