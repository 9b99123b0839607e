//! The claims of an access token.

use countersign_types::{SessionId, UserId, views::Role};
use serde::{Deserialize, Serialize};

/// The claims of an access token. `deny_unknown_fields` is not set, because a newer node may add a
/// claim during an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer: the public URL of this server.
    pub iss: String,
    /// The audience: the same URL.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The client that the token was issued to (RFC 9068, 2.2):
    /// [`CLIENT_ID`](super::access_token::CLIENT_ID).
    pub client_id: String,
    /// Expiry, in seconds since 1970.
    pub exp: i64,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Start of validity, in seconds since 1970. It is never set by this server, but checked if
    /// present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The identifier of this token.
    pub jti: String,
    /// The session.
    pub sid: SessionId,
    /// The generation of the refresh token that was issued with it.
    #[serde(rename = "gen")]
    pub generation: i64,
    /// The user's epoch at the time of issue.
    pub epoch: i64,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// The assurance level of the authentication.
    pub acr: String,
    /// Time of authentication, in seconds since 1970.
    pub auth_time: i64,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// The roles of the user.
    pub roles: Vec<Role>,
}
