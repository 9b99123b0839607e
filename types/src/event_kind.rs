//! The kinds of audit events: what happened to an account.
//!
//! Each kind is declared once, in the table below: with a comment for developers, its stable name
//! in JSON and in the database, its severity, what it is about, and the words that users read in
//! their activity list.
//! A new kind is a row here and the flow that records it.

use crate::Message;
use serde::{Deserialize, Serialize};

/// How much attention an audit event needs from the owner of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSeverity {
    /// An ordinary event.
    Notice,
    /// Someone else may have caused it, so the owner should check: a wrong password, a reused
    /// refresh token, a requested deletion. The activity list highlights it.
    Warning,
}

/// The topic of an audit event. It decides the icon in the activity list, and the filter: see
/// [`ActivityFilter`](crate::ActivityFilter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTopic {
    /// A session began or should have, or its user confirmed the password.
    LogIn,
    /// A session ended.
    LogOut,
    /// The password.
    Password,
    /// The email address.
    Email,
    /// The account as a whole, its role or its display name.
    Account,
    /// The end of the account.
    Deletion,
    /// The safety of the sessions: someone else may have used one.
    Security,
}

macro_rules! event_kinds {
    ($(
        $(#[$doc:meta])* $kind:ident = $name:literal, $severity:ident, $topic:ident, $text:literal;
    )*) => {
        /// The kind of an audit event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the stable name in JSON and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Returns the severity.
            #[must_use]
            pub const fn severity(self) -> EventSeverity {
                match self { $(Self::$kind => EventSeverity::$severity,)* }
            }

            /// Returns what the event is about.
            #[must_use]
            pub const fn topic(self) -> EventTopic {
                match self { $(Self::$kind => EventTopic::$topic,)* }
            }

            /// Returns the description for users.
            #[must_use]
            pub const fn message(self) -> Message {
                match self { $(Self::$kind => Message::new($text),)* }
            }
        }
    };
}

event_kinds! {
    /// The account was created.
    SignedUp = "signed_up", Notice, Account, "Signed up";
    /// The user proved to read the email address, with a link or code from an email.
    EmailVerified = "email_verified", Notice, Email, "Email address confirmed";
    /// The user asked to change the email address. It changes with the code from an email.
    EmailChangeRequested = "email_change_requested", Warning, Email,
        "Email address change requested";
    /// The user cancelled the request to change the email address.
    EmailChangeCancelled = "email_change_cancelled", Notice, Email,
        "Email address change cancelled";
    /// A request to change the email address failed because of an incorrect password.
    EmailChangePasswordFailed = "email_change_password_failed", Warning, Email,
        "Wrong password while changing your email address";
    /// The email address was changed.
    EmailChanged = "email_changed", Warning, Email, "Email address changed";
    /// The owner of the previous email address took the account back.
    EmailRestored = "email_restored", Warning, Email, "Previous email address restored";
    /// The user logged in.
    LoggedIn = "logged_in", Notice, LogIn, "Logged in";
    /// A log-in failed because of an incorrect password.
    LogInFailed = "log_in_failed", Warning, LogIn, "Wrong password";
    /// The user logged out of the current session.
    LoggedOut = "logged_out", Notice, LogOut, "Logged out";
    /// A new log-in in the same browser replaced the session.
    SessionReplaced = "session_replaced", Notice, LogIn, "Logged in again in the same browser";
    /// Refresh token reuse was detected and the session was revoked (RFC 9700, 4.14.2).
    RefreshTokenReused = "refresh_token_reused", Warning, Security,
        "Logged out a device to be safe: its session was used in two places";
    /// A valid refresh token of a generation that this database never issued was presented. The
    /// database was probably restored from a backup that is older than the token.
    UnknownTokenGeneration = "unknown_token_generation", Notice, Security,
        "Rejected a session token that is newer than our records";
    /// The display name was changed.
    NameChanged = "name_changed", Notice, Account, "Name changed";
    /// The user revoked another session.
    SessionRevoked = "session_revoked", Notice, LogOut, "Logged out a device";
    /// The user revoked all other sessions.
    OtherSessionsRevoked = "other_sessions_revoked", Notice, LogOut, "Logged out all other devices";
    /// The user or an administrator revoked all sessions.
    AllSessionsRevoked = "all_sessions_revoked", Notice, LogOut, "Logged out everywhere";
    /// The least recently used session was revoked because the user had too many.
    SessionEvicted = "session_evicted", Notice, LogOut,
        "Logged out your least recently used device (device limit reached)";
    /// The password was changed and all other sessions were revoked.
    PasswordChanged = "password_changed", Notice, Password,
        "Password changed, all other devices logged out";
    /// A link to reset the password was used, and all sessions were revoked.
    PasswordReset = "password_reset", Warning, Password, "Password reset, all devices logged out";
    /// The owner said with a link from a notice that they did not do what it is about. The session
    /// was revoked.
    ActivityReported = "activity_reported", Warning, Security,
        "Reported activity that wasn't yours";
    /// An administrator disabled the account.
    AccountDisabled = "account_disabled", Notice, Account, "Account disabled by an administrator";
    /// An administrator enabled the account again.
    AccountEnabled = "account_enabled", Notice, Account,
        "Account enabled again by an administrator";
    /// An administrator changed the role.
    RoleChanged = "role_changed", Notice, Account, "Role changed by an administrator";
    /// An administrator invited someone to sign up. The event is that of the administrator.
    InvitationCreated = "invitation_created", Notice, Account, "Invited someone to sign up";
    /// An administrator revoked an invitation. The event is that of the administrator.
    InvitationRevoked = "invitation_revoked", Notice, Account, "Revoked an invitation";
    /// A password change failed because of an incorrect password.
    PasswordChangeFailed = "password_change_failed", Warning, Password,
        "Wrong password while changing your password";
    /// The user entered the password again, for an operation that requires a fresh authentication.
    PasswordConfirmed = "password_confirmed", Notice, LogIn, "Password confirmed";
    /// The user entered an incorrect password for such an operation.
    PasswordConfirmationFailed = "password_confirmation_failed", Warning, LogIn,
        "Wrong password while confirming it was you";
    /// The user requested account deletion.
    DeletionRequested = "deletion_requested", Warning, Deletion, "Account deletion requested";
    /// A request for account deletion failed because of an incorrect password.
    DeletionPasswordFailed = "deletion_password_failed", Warning, Deletion,
        "Wrong password while deleting the account";
    /// The user cancelled the account deletion.
    DeletionCancelled = "deletion_cancelled", Notice, Deletion, "Account deletion cancelled";
    /// The account and its data were deleted.
    AccountDeleted = "account_deleted", Notice, Deletion, "Account deleted";
}

impl EventKind {
    /// Parses a name that [`EventKind::as_str`] returned.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_unique_names_and_texts() {
        for (index, kind) in EventKind::ALL.iter().enumerate() {
            assert_eq!(EventKind::from_name(kind.as_str()), Some(*kind));
            assert!(!kind.message().english().is_empty(), "{kind:?}");
            for other in &EventKind::ALL[index + 1..] {
                assert_ne!(kind.as_str(), other.as_str());
                assert_ne!(kind.message(), other.message());
            }
        }
    }

    #[test]
    fn name_in_json_is_the_stable_name() {
        for kind in EventKind::ALL {
            let json = serde_json::to_value(kind).expect("a string");
            assert_eq!(json, kind.as_str());
        }
    }
}
