//! The emails that users get, as data that waits in the outbox. Their words are in `words`,
//! their layout is in `templates/mail`, and `rendering` puts them together.

use crate::one_time_links::LinkPurpose;
use countersign_types::Timestamp;
use serde::{Deserialize, Serialize};

/// The time and place of an event, for a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The time of the event.
    #[serde(with = "milliseconds")]
    pub at: Timestamp,
    /// The browser or program, such as "Firefox on Linux".
    pub device: Option<String>,
    /// The IP address of the client.
    pub address: Option<String>,
}

/// The kind of an email, with the facts that vary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum MailContent {
    /// Asks a new user to confirm the address. Link and code. If the address has an account when it
    /// is sent, it becomes [`MailContent::AccountExists`].
    SignUp,
    /// Answers a sign-up with an address that already has an account. No one-time link.
    AccountExists,
    /// Asks the user of an account to confirm its address. Link and code.
    VerifyEmail,
    /// Invites a person to sign up. Link. It is not sent to an address that has an account by then.
    Invitation,
    /// Lets the user choose a new password. Link and code.
    ResetPassword,
    /// Asks for confirmation of the new address of an account, at that address. Link and code.
    ChangeEmail,
    /// A log-in from a browser without a device cookie, on a device or from an address that recent
    /// sessions did not have. Link.
    NewDevice(Origin),
    /// The user changed the password. Link.
    PasswordChanged(Origin),
    /// The password was reset by email. Link.
    PasswordReset(Origin),
    /// The address of the account changed. Goes to the old address. Link.
    EmailChanged {
        /// The new address of the account.
        new_email: String,
        /// The time and place of the change.
        origin: Origin,
    },
    /// Refresh token reuse was detected and the session was revoked (RFC 9700, 4.14.2). Link.
    ReuseDetected(Origin),
    /// Account deletion was requested. Link.
    DeletionRequested {
        /// The end of the grace period.
        #[serde(with = "milliseconds")]
        delete_at: Timestamp,
        /// The time and place of the request.
        origin: Origin,
    },
    /// Account deletion was cancelled. Link.
    DeletionCancelled(Origin),
    /// The test of the command line. No link.
    Test,
}

impl MailContent {
    /// Returns the stable name, which is the tag in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::AccountExists => "account_exists",
            Self::VerifyEmail => "verify_email",
            Self::Invitation => "invitation",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::NewDevice(_) => "new_device",
            Self::PasswordChanged(_) => "password_changed",
            Self::PasswordReset(_) => "password_reset",
            Self::EmailChanged { .. } => "email_changed",
            Self::ReuseDetected(_) => "reuse_detected",
            Self::DeletionRequested { .. } => "deletion_requested",
            Self::DeletionCancelled(_) => "deletion_cancelled",
            Self::Test => "test",
        }
    }

    /// Returns the purpose of the one-time link, if the email has one.
    pub(crate) fn link_purpose(&self) -> Option<LinkPurpose> {
        match self {
            Self::ResetPassword => Some(LinkPurpose::ResetPassword),
            Self::SignUp => Some(LinkPurpose::SignUp),
            Self::VerifyEmail => Some(LinkPurpose::VerifyEmail),
            Self::Invitation => Some(LinkPurpose::Invitation),
            Self::ChangeEmail => Some(LinkPurpose::ChangeEmail),
            Self::EmailChanged { .. } => Some(LinkPurpose::RestoreEmail),
            Self::NewDevice(_)
            | Self::PasswordChanged(_)
            | Self::PasswordReset(_)
            | Self::ReuseDetected(_)
            | Self::DeletionRequested { .. }
            | Self::DeletionCancelled(_) => Some(LinkPurpose::SecureAccount),
            Self::AccountExists | Self::Test => None,
        }
    }

    /// Returns whether the email has a code beside its link.
    pub(crate) const fn has_code(&self) -> bool {
        matches!(self, Self::SignUp | Self::VerifyEmail | Self::ResetPassword | Self::ChangeEmail)
    }

    /// Returns the time and place of the event if this is a notice.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::SignUp
            | Self::AccountExists
            | Self::VerifyEmail
            | Self::Invitation
            | Self::ResetPassword
            | Self::ChangeEmail
            | Self::Test => None,
            Self::NewDevice(origin)
            | Self::PasswordChanged(origin)
            | Self::PasswordReset(origin)
            | Self::EmailChanged { origin, .. }
            | Self::ReuseDetected(origin)
            | Self::DeletionRequested { origin, .. }
            | Self::DeletionCancelled(origin) => Some(origin),
        }
    }
}

/// A timestamp as a number. Its text form has no parser.
mod milliseconds {
    use super::{Deserialize, Timestamp};
    use serde::{Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn serialize<S: Serializer>(at: &Timestamp, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_i64(at.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp)
    }
}
