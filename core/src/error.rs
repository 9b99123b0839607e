//! The errors of all operations. The variant is for the caller; the cause is for the log and never
//! leaves the server.

use crate::{LimitedAction, store::DatabaseErrorKind};
use countersign_types::FieldErrors;

/// The cause of an error, for the log only.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The reason why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The form is invalid; each entry names its field.
    #[error("form is invalid")]
    Invalid(FieldErrors),
    /// The cursor of a list was not issued by this server.
    #[error("cursor is invalid")]
    InvalidCursor,
    /// Unknown address or wrong password. The two are deliberately indistinguishable.
    #[error("email address or password is incorrect")]
    InvalidCredentials,
    /// The object does not exist or belongs to another user. The two are deliberately
    /// indistinguishable.
    #[error("not found")]
    NotFound,
    /// The user is signed in and has no permission.
    #[error("permission denied")]
    Forbidden,
    /// The change would leave no active administrator.
    #[error("an active administrator must remain")]
    LastAdmin,
    /// Sign-up is closed.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// Sign-up needs an invitation.
    #[error("sign-up is by invitation only")]
    InvitationRequired,
    /// The maximum number of invitations is open.
    #[error("too many invitations are open")]
    TooManyInvitations,
    /// An account with this address exists.
    #[error("email address is taken")]
    EmailTaken,
    /// A one-time link was used, has expired, or was never issued.
    #[error("link is invalid, expired or already used")]
    LinkExpired,
    /// This server sends no email.
    #[error("email is not configured")]
    MailDisabled,
    /// No credential, or one that is malformed, expired or revoked. These are deliberately
    /// indistinguishable.
    #[error("not authenticated")]
    Unauthenticated,
    /// The user has not entered the password recently.
    #[error("authentication is not fresh")]
    ReauthenticationRequired,
    /// The refresh token is two or more generations behind, because concurrent requests rotated it.
    /// The client reads the newest token and retries.
    #[error("refresh token was superseded by concurrent requests")]
    RefreshSuperseded,
    /// The rate limit of an action is exceeded; nothing was done.
    #[error("rate limit exceeded: {}", .action.rule().message)]
    RateLimited {
        /// The limited action.
        action: LimitedAction,
        /// Seconds until the action is allowed again.
        retry_after: u32,
    },
    /// The server is overloaded; nothing was done.
    #[error("server is overloaded")]
    Overloaded {
        /// Seconds until the client may retry.
        retry_after: u32,
    },
    /// The database cannot be reached, or the change feed is stale, so that revocations are
    /// unknown.
    #[error("database is unavailable")]
    Unavailable(#[source] BoxError),
    /// An error of this program.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

/// Returns an error and its causes in one line, for the log. Causes come from the database and the
/// operating system; none contains user input. A cause that is part of the text already is not
/// repeated.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
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
    /// Whether a concurrent transaction undid this one, so that it can be retried at once.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Unavailable(source) = self else { return false };
        source
            .downcast_ref::<sqlx::Error>()
            .is_some_and(|error| DatabaseErrorKind::of(error) == DatabaseErrorKind::Conflict)
    }

    /// Creates an internal error with a cause.
    pub(crate) fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<FieldErrors> for Error {
    fn from(faults: FieldErrors) -> Self {
        Self::Invalid(faults)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if DatabaseErrorKind::of(&error).is_temporary() {
            Self::Unavailable(error.into())
        } else {
            Self::Internal(error.into())
        }
    }
}
