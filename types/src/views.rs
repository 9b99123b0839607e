//! Data that pages and API clients may see. Only [`SessionTokens`] contains secrets, and it is
//! sent to its owner only.

use crate::{EventId, EventKind, LinkId, SessionId, TimeSpan, Timestamp, UserId, VerificationId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Separates the browser and the operating system in the name of a device.
pub const DEVICE_NAME_SEPARATOR: &str = " on ";

/// The account of the signed-in user, as shown to that user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// The user.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub id: UserId,
    /// The email address as typed at sign-up.
    pub email: String,
    /// Whether the user has confirmed that the address is theirs.
    pub email_verified: bool,
    /// Whether to ask the user to confirm the address: it is unconfirmed, this server wants it to
    /// be confirmed, and the user has not postponed it in this session.
    pub verification_due: bool,
    /// The new email address that the user asked for and has not confirmed.
    pub pending_email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The roles of the user.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, example = json!(["user"])))]
    pub roles: Vec<Role>,
    /// When the user signed up.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When refresh token reuse was detected in another session, which was revoked: the token may
    /// have been stolen. Set for the first session after that.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub reuse_detected_at: Option<Timestamp>,
    /// When the account will be deleted, if deletion is scheduled. The user can cancel it until
    /// then.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub deletion_scheduled_at: Option<Timestamp>,
}

/// An account with the tag of the session that reads it, as pages show it. Programs get an
/// [`Account`]: they have no forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaggedAccount {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// The session tag: identifies the session but grants no access. Every protected form has it
    /// as a hidden field, so that a form rendered for one user can't be submitted as another.
    pub session_tag: String,
}

/// A role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SessionTokens {
    /// The access token, sent as `Authorization: Bearer`.
    pub access_token: String,
    /// Lifetime of the access token in seconds from now.
    pub expires_in: u32,
    /// Whether the session persists when the browser is closed.
    pub persistent: bool,
    /// The account of the user.
    pub account: TaggedAccount,
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SessionTokens")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The response to a log-in or sign-up through a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogInResponse {
    /// The URL to continue at: a path on this origin, or a URL of a listed one.
    pub next: String,
    /// The tokens. `None` in the response to a plain form, which can't use them.
    pub session: Option<SessionTokens>,
}

/// The response to a request for an email.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestedMail {
    /// Identifies the link in the email, and must be sent with the code from it. It grants no
    /// access. It is also returned if no email is sent.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub link_id: LinkId,
}

/// The response to a sign-up or log-in that continues with the code from an email.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingVerification {
    /// Identifies the sign-up or log-in, and must be sent with the code. It grants no access.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub verification_id: VerificationId,
}

/// The offer of the page of a link that verifies an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Verify the address. This browser signed up, or is signed in.
    Confirm,
    /// Choose a password. Another browser signed up, perhaps that of another person.
    ChoosePassword,
    /// Log in first. The address belongs to an account that this browser is not signed in to.
    LogIn,
}

impl LinkAction {
    /// Parses the name in JSON.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "confirm" => Some(Self::Confirm),
            "choose_password" => Some(Self::ChoosePassword),
            "log_in" => Some(Self::LogIn),
            _ => None,
        }
    }
}

/// A link from an email, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenedLink {
    /// Identifies the link. The form of the page has it as a hidden field, so that a form rendered
    /// for one link can't use another one.
    pub link_id: LinkId,
    /// The address of the account.
    pub email: String,
    /// The offer of the page, if the link verifies an address.
    pub action: Option<LinkAction>,
}

/// A session, as shown to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// The session. The ID grants no access.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub id: SessionId,
    /// The device that logged in: a browser and an operating system joined by " on ", or one of
    /// them.
    #[cfg_attr(feature = "openapi", schema(example = "Firefox on Linux"))]
    pub device: Option<String>,
    /// The IP address of the log-in.
    pub address: Option<String>,
    /// When the session began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When the session was last used, to about a minute.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_seen_at: Timestamp,
    /// Whether this session made the request.
    pub current: bool,
}

/// Time between the request to delete an account and the deletion. The user can cancel until then.
pub const DELETION_GRACE_PERIOD: TimeSpan = TimeSpan::days(14);

/// The sessions of a user. Relative times such as "an hour ago" refer to `as_of`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionList {
    /// The time of the server at the request.
    pub as_of: Timestamp,
    /// All active sessions.
    pub items: Vec<SessionInfo>,
}

/// The data export of a user: account, sessions and activity. The password hash and internal keys
/// are not included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountExport {
    /// The time of the export.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of: Timestamp,
    /// The account.
    pub account: Account,
    /// When the user last logged in.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_login_at: Option<Timestamp>,
    /// The audit events, newest first.
    pub activity: Vec<ActivityEvent>,
    /// Present if there are older events: the cursor to continue with at `/api/v1/me/activity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub next_cursor: Option<String>,
    /// The sessions, newest first. Ended sessions are retained for a month.
    // The last member, so that older sessions can be appended while the export is sent.
    pub sessions: Vec<ExportedSession>,
}

/// An active or ended session in the data export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedSession {
    /// The session.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub id: SessionId,
    /// The device that logged in.
    pub device: Option<String>,
    /// The IP address of the log-in.
    pub address: Option<String>,
    /// When the session began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When the session was last used, to about a minute.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub last_seen_at: Timestamp,
    /// When the session expires.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
    /// When the session ended before it expired.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended_at: Option<Timestamp>,
}

/// An entry of the activity list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityEvent {
    /// The event. The IDs sort by time.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub id: EventId,
    /// The kind of event. Later versions may add kinds.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "logged_in"))]
    pub kind: EventKind,
    /// The time of the event.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The device that made the request, such as "Firefox on Linux".
    pub device: Option<String>,
    /// The IP address of the request.
    pub address: Option<String>,
}

/// A page of the activity list, newest first.
///
/// A page with a filter reads a limited number of events, so it may have few items or none although
/// older events match: `searched_to` is present then, and `next_cursor` continues the search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityEventPage {
    /// The events of this page.
    pub items: Vec<ActivityEvent>,
    /// The cursor of the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub next_cursor: Option<String>,
    /// The time of the last event that was read. Present if the page isn't full although there are
    /// older events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, value_type = Option<String>, format = DateTime)
    )]
    pub searched_to: Option<Timestamp>,
}

/// A user, as shown to administrators. It contains no credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminUser {
    /// The user.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub id: UserId,
    /// The email address as typed at sign-up.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
    /// The roles of the user.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, example = json!(["user"])))]
    pub roles: Vec<Role>,
    /// When the user signed up.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When the user last logged in.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_login_at: Option<Timestamp>,
    /// When an administrator disabled the account.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub disabled_at: Option<Timestamp>,
    /// When the account will be deleted, if deletion is scheduled.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub deletion_scheduled_at: Option<Timestamp>,
}

/// An invitation to sign up, as shown to administrators. It contains no link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// Identifies the invitation. It grants no access.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub id: LinkId,
    /// The email address that can sign up.
    pub email: String,
    /// When the invitation was created.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When the invitation expires.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// A new invitation, as shown to the administrator who created it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The link for the administrator. Anyone who has it can sign up with the email address, which
    /// does not count as verified then. It is not shown again.
    pub link: String,
    /// Whether an email with a link of its own is sent to the address. That link verifies it.
    pub email_sent: bool,
}

impl fmt::Debug for NewInvitation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NewInvitation")
            .field("invitation", &self.invitation)
            .field("email_sent", &self.email_sent)
            .finish_non_exhaustive()
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paginated<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The cursor of the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

// By hand, because the schema that `utoipa` derives for a generic type repeats the members of the
// item, and generated clients would have no type for it.
#[cfg(feature = "openapi")]
mod openapi {
    use super::Paginated;
    use std::borrow::Cow;
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
    };

    impl<T: ToSchema> PartialSchema for Paginated<T> {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .description(Some("A page of a list, newest first."))
                .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
                .required("items")
                .property(
                    "next_cursor",
                    ObjectBuilder::new().schema_type(Type::String).description(Some(
                        "The cursor of the next page. Missing on the last page.",
                    )),
                )
                .into()
        }
    }

    impl<T: ToSchema> ToSchema for Paginated<T> {
        fn name() -> Cow<'static, str> {
            format!("{}Page", T::name()).into()
        }

        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into(), T::schema()));
            T::schemas(schemas);
        }
    }
}
