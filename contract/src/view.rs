//! Exactly what a page or a program may see. Nothing secret can be put into these but the tokens of [`Session`], which are for their owner.

use crate::{EventId, SessionId, Span, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The signed-in person, as they see themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// As it was typed at sign-up.
    pub email: String,
    /// Whether the address has been proven to be theirs.
    pub email_verified: bool,
    /// What they want to be called.
    pub name: Option<String>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// When they signed up.
    pub created_at: Timestamp,
    /// Names the session without giving power over it. Hidden in every protected form, so that a form that was made for one person cannot
    /// be sent as another.
    pub tag: String,
    /// When another session of theirs was ended because its refresh token was used twice: told to the first session after that.
    pub stolen_at: Option<Timestamp>,
    /// When the account will be deleted, which its owner has asked for and can take back until then.
    pub deletes_at: Option<Timestamp>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everybody who has an account.
    User,
    /// Looks after the accounts of others.
    Admin,
}

impl Role {
    /// Its name in tokens, in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The reverse of [`Role::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// What a browser gets when it has signed in or renewed. The refresh token is not here: it is only ever in an `HttpOnly` cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// To be sent as `Authorization: Bearer`.
    pub access_token: String,
    /// For how many seconds from now.
    pub expires_in: u32,
    /// Whether it is to outlive the browser.
    pub persistent: bool,
    /// Whose it is.
    pub account: Account,
}

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Session").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// The answer to a log-in or a sign-up through a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The page to go to, on this origin.
    pub next: String,
    /// `None` towards a plain form, which could do nothing with it.
    pub session: Option<Session>,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Which. It grants nothing.
    pub id: SessionId,
    /// What opened it, in words such as "Firefox on Linux".
    pub device: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last in use, to the minute or so.
    pub last_seen_at: Timestamp,
    /// It is the one that asks.
    pub current: bool,
}

/// For so long the deletion of an account can be taken back.
pub const DELETION_GRACE: Span = Span::days(14);

/// The sessions of somebody, and when this was so: "an hour ago" is meant from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// By the clock of the server.
    pub as_of: Timestamp,
    /// All that are alive.
    pub items: Vec<SessionView>,
}

/// What is stored about somebody, as far as it is theirs to see: the account, every session, what happened. Not the hash of the password, and not what
/// the server needs to tell its own rows apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Everything {
    /// When this was so.
    pub as_of: Timestamp,
    /// Who.
    pub account: Account,
    /// When they logged in last.
    pub last_login_at: Option<Timestamp>,
    /// Every session, the newest first. Those that are over are kept for a month.
    pub sessions: Vec<HeldSession>,
    /// What happened, newest first.
    pub events: Vec<Event>,
    /// There is more than `events` holds: where the rest begins.
    pub next_cursor: Option<String>,
}

/// A session as it is stored, alive or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSession {
    /// Which.
    pub id: SessionId,
    /// What opened it.
    pub device: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last in use, to the minute or so.
    pub last_seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// When it was ended before that.
    pub ended_at: Option<Timestamp>,
}

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Sorts by time.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// What asked for it, in words such as "Firefox on Linux".
    pub device: Option<String>,
    /// From where.
    pub address: Option<String>,
}

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What can happen to an account, with its stable name in JSON and in the database.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl EventKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

event_kinds! {
    /// The account was made.
    SignedUp = "signed_up",
    /// A session was opened with the right password.
    LoggedIn = "logged_in",
    /// Somebody tried a wrong password.
    LogInFailed = "log_in_failed",
    /// A session was ended by its owner.
    LoggedOut = "logged_out",
    /// A session was ended because another one took its place in the same browser.
    SessionReplaced = "session_replaced",
    /// A refresh token was used that only a thief could have had; its session was ended.
    TokenReused = "token_reused",
    /// A genuine refresh token was shown that this database never gave out: it is older than its tokens.
    TokenNotIssued = "token_not_issued",
    /// The name was changed.
    NameChanged = "name_changed",
    /// A session was ended by its owner, from another one.
    SessionEnded = "session_ended",
    /// All sessions but the one that asked were ended by their owner.
    OthersLoggedOut = "others_logged_out",
    /// All sessions were ended by their owner.
    AllLoggedOut = "all_logged_out",
    /// The longest unused session was ended because there were too many.
    SessionCrowdedOut = "session_crowded_out",
    /// The password was changed, and all other sessions were ended.
    PasswordChanged = "password_changed",
    /// An administrator disabled the account.
    Disabled = "disabled",
    /// An administrator enabled it again.
    Enabled = "enabled",
    /// An administrator gave it another role.
    RoleChanged = "role_changed",
    /// Somebody who was signed in gave a wrong password where it was to be changed.
    PasswordChangeFailed = "password_change_failed",
    /// Its owner asked for the account to be deleted.
    DeletionAsked = "deletion_asked",
    /// Somebody who was signed in gave a wrong password where the account was to be deleted.
    DeletionRefused = "deletion_refused",
    /// Its owner keeps the account that was to be deleted.
    DeletionCancelled = "deletion_cancelled",
    /// The account was deleted, with all that was known of it.
    Deleted = "deleted",
}

impl EventKind {
    /// The reverse of [`EventKind::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// An account, as an administrator sees it. Nothing that opens anything is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Who.
    pub id: UserId,
    /// As it was typed at sign-up.
    pub email: String,
    /// What they want to be called.
    pub name: Option<String>,
    /// What they may do.
    pub roles: Vec<Role>,
    /// When they signed up.
    pub created_at: Timestamp,
    /// When they logged in last.
    pub last_login_at: Option<Timestamp>,
    /// Since when nobody gets in.
    pub disabled_at: Option<Timestamp>,
    /// When it will be deleted, as its owner has asked.
    pub deletes_at: Option<Timestamp>,
}

/// A part of a long list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// This part.
    pub items: Vec<T>,
    /// Asks for the next part; `None` at the end.
    pub next_cursor: Option<String>,
}
