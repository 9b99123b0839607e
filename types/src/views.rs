//! Data that pages and API clients may see. Only [`SessionTokens`] contains secrets, and it is
//! sent to its owner only.

use crate::{EventId, EventKind, SessionId, TimeSpan, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Separates the browser and the operating system in the name of a device.
pub const DEVICE_NAME_SEPARATOR: &str = " on ";

/// The account of the signed-in user, as shown to that user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub id: UserId,
    /// The email address as typed at sign-up.
    pub email: String,
    /// Whether the user has confirmed that the address is theirs.
    pub email_verified: bool,
    /// The display name.
    pub name: Option<String>,
    /// The roles of the user.
    pub roles: Vec<Role>,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// The session tag: identifies the session but grants no access. Every protected form has it
    /// as a hidden field, so that a form rendered for one user can't be submitted as another.
    pub session_tag: String,
    /// When refresh token reuse revoked another session of the user. Set for the first session
    /// after that.
    pub reuse_detected_at: Option<Timestamp>,
    /// When the account will be deleted, if deletion is scheduled. The user can cancel it until
    /// then.
    pub deletion_scheduled_at: Option<Timestamp>,
}

/// A role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Every user has this role.
    User,
    /// Administrators manage the accounts of others.
    Admin,
}

impl Role {
    /// Returns the name in tokens, in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// Parses a name that [`Role::as_str`] returned.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// The tokens that a browser receives at log-in and refresh. The refresh token is not included: it
/// is sent in an `HttpOnly` cookie only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTokens {
    /// The access token, sent as `Authorization: Bearer`.
    pub access_token: String,
    /// Lifetime of the access token in seconds from now.
    pub expires_in: u32,
    /// Whether the session persists when the browser is closed.
    pub persistent: bool,
    /// The account of the user.
    pub account: Account,
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SessionTokens")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The response to a log-in or sign-up through a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogInResponse {
    /// The page to go to: a path on this origin.
    pub next: String,
    /// The tokens. `None` in the response to a plain form, which can't use them.
    pub session: Option<SessionTokens>,
}

/// A session, as shown to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The session. The ID grants no access.
    pub id: SessionId,
    /// The device that logged in, such as "Firefox on Linux": a browser and an operating system
    /// joined by [`DEVICE_NAME_SEPARATOR`], or one of them.
    pub device: Option<String>,
    /// The IP address of the log-in.
    pub address: Option<String>,
    /// When the session began.
    pub created_at: Timestamp,
    /// When the session was last used, to about a minute.
    pub last_seen_at: Timestamp,
    /// Whether this session made the request.
    pub current: bool,
}

/// Time between the request to delete an account and the deletion. The user can cancel until then.
pub const DELETION_GRACE_PERIOD: TimeSpan = TimeSpan::days(14);

/// The sessions of a user. Relative times such as "an hour ago" refer to `as_of`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// The time of the server at the request.
    pub as_of: Timestamp,
    /// All active sessions.
    pub items: Vec<SessionInfo>,
}

/// The data export of a user: account, sessions and activity. The password hash and internal keys
/// are not included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountExport {
    /// The time of the export.
    pub as_of: Timestamp,
    /// The account.
    pub account: Account,
    /// When the user last logged in.
    pub last_login_at: Option<Timestamp>,
    /// The sessions, newest first. Ended sessions are retained for a month.
    pub sessions: Vec<ExportedSession>,
    /// Whether there may be older sessions than those in `sessions`.
    pub has_older_sessions: bool,
    /// The activity, newest first.
    pub events: Vec<ActivityEvent>,
    /// The cursor for older events than those in `events`; `None` if there are none.
    pub next_cursor: Option<String>,
}

/// An active or ended session in the data export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedSession {
    /// The session.
    pub id: SessionId,
    /// The device that logged in.
    pub device: Option<String>,
    /// The IP address of the log-in.
    pub address: Option<String>,
    /// When the session began.
    pub created_at: Timestamp,
    /// When the session was last used, to about a minute.
    pub last_seen_at: Timestamp,
    /// When the session expires.
    pub expires_at: Timestamp,
    /// When the session ended before it expired.
    pub ended_at: Option<Timestamp>,
}

/// An entry of the activity list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityEvent {
    /// The event. The IDs sort by time.
    pub id: EventId,
    /// The kind of event.
    pub kind: EventKind,
    /// The time of the event.
    pub at: Timestamp,
    /// The device that made the request, such as "Firefox on Linux".
    pub device: Option<String>,
    /// The IP address of the request.
    pub address: Option<String>,
}

/// A user, as shown to administrators. It contains no credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminUser {
    /// The user.
    pub id: UserId,
    /// The email address as typed at sign-up.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
    /// The roles of the user.
    pub roles: Vec<Role>,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When the user last logged in.
    pub last_login_at: Option<Timestamp>,
    /// When an administrator disabled the account.
    pub disabled_at: Option<Timestamp>,
    /// When the account will be deleted, if deletion is scheduled.
    pub deletion_scheduled_at: Option<Timestamp>,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paginated<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` on the last page.
    pub next_cursor: Option<String>,
}
