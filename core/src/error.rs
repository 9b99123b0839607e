//! Why something was not done. Two faces: the variant is for whoever asked, the source is for the
//! log and never leaves the server.

use crate::LimitedAction;
use crate::store::Fault;
use countersign_types::Faults;

/// The cause of an error that is nobody's business but ours.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The form says something that cannot be; each fault names its field.
    #[error("the form has faults")]
    Invalid(Faults),
    /// The cursor of a list is not one that we gave out.
    #[error("the cursor is not one of ours")]
    Cursor,
    /// Unknown address or wrong password: deliberately not told apart.
    #[error("address and password do not match")]
    Credentials,
    /// There is no such thing, or it is not theirs: deliberately not told apart.
    #[error("not found")]
    NotFound,
    /// Signed in, but not as somebody who may do this.
    #[error("not allowed")]
    Forbidden,
    /// It would leave nobody who may look after accounts.
    #[error("the last administrator")]
    LastAdmin,
    /// Somebody has an account with this address.
    #[error("the address is taken")]
    EmailTaken,
    /// A link that is good once: it was used, is too old, or was never given out.
    #[error("the link is over")]
    LinkOver,
    /// No credential, or one that is malformed, expired or revoked: deliberately not told apart.
    #[error("not signed in")]
    SignedOut,
    /// A refresh token that is two or more steps behind because others renewed meanwhile. Look
    /// again for a newer one and try once more.
    #[error("the refresh token has been renewed meanwhile")]
    Stale,
    /// The rate limit of an action; nothing was done this time.
    #[error("rate limit exceeded: {}", .action.rule().message)]
    TooMany {
        /// What was done too often.
        action: LimitedAction,
        /// Seconds until the action is allowed again.
        retry_after: u32,
    },
    /// Too much to do just now; nothing was done.
    #[error("too busy")]
    Busy {
        /// Try again after so many seconds.
        retry_after: u32,
    },
    /// The database cannot be reached, or we have not heard from it for too long to know what is
    /// revoked.
    #[error("the database is not available")]
    Unavailable(#[source] Source),
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Source),
}

/// Returns an error and its causes in one line, for the log. (Causes come from the database and the
/// operating system; nothing that a user has typed is in one.) A cause that an error has already
/// written into its own text is not repeated.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl Error {
    /// Whether a concurrent transaction undid this one, so that it can be tried again at once.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Unavailable(source) = self else { return false };
        source
            .downcast_ref::<sqlx::Error>()
            .is_some_and(|error| Fault::of(error) == Fault::Conflict)
    }

    /// A fault of ours, with its cause.
    pub(crate) fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if Fault::of(&error).is_temporary() {
            Self::Unavailable(error.into())
        } else {
            Self::Internal(error.into())
        }
    }
}
