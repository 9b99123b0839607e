//! The jobs of the hashing threads, and their results.

use super::{
    normalized_password::NormalizedPassword,
    stored_hash::{SALT_LENGTH, StoredHash},
};
use countersign_types::{DisplayName, Email, UserId};

pub(super) enum HashJob {
    Hash {
        password: NormalizedPassword,
        user: UserId,
        salt: [u8; SALT_LENGTH],
    },
    HashNew {
        password: NormalizedPassword,
        user: UserId,
        email: Email,
        name: Option<DisplayName>,
        salt: [u8; SALT_LENGTH],
    },
    Verify {
        password: NormalizedPassword,
        stored: Option<StoredHash>,
    },
    /// Keeps a thread busy until the sender is dropped.
    #[cfg(any(test, feature = "testing"))]
    Hold(std::sync::mpsc::Receiver<()>),
    #[cfg(test)]
    Panic,
    #[cfg(test)]
    PanicOutside,
}

pub(super) enum HashOutcome {
    Hashed(String),
    TooWeak,
    Compared(PasswordMatch),
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordMatch {
    /// The password is wrong.
    NoMatch,
    /// The password is correct.
    Match,
    /// The password is correct, but the hash is outdated: computed with less effort, not bound to
    /// its user, or not normalised.
    MatchNeedsRehash,
}
