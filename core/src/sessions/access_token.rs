//! The access token: a JWT (RFC 9068), which is a short-lived copy of a session row.
//!
//! `jsonwebtoken` only computes signatures (see `jws.rs`). Every claim is validated here, for
//! presence, type and value, against the server's clock: by default the crate allows a minute of
//! leeway and ignores missing claims.

use crate::{
    Error,
    keys::{KeyStore, jws::UnverifiedJws},
    policy::MAX_ACCESS_TOKEN_TTL,
    sessions::token_cache::{CachedToken, TokenCache},
};
use countersign_types::{SessionId, TimeSpan, Timestamp, UserId, views::Role};
use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};

/// The media type of an access token (RFC 9068, 2.1). It prevents confusion with other kinds of
/// tokens.
const TYP: &str = "at+jwt";
/// The OAuth client that tokens are issued to. The pages and the clients of the API are one public
/// client (RFC 6749, 2.1).
pub const CLIENT_ID: &str = "countersign";
/// The scope of the user's own account. Every access token has it.
pub const ACCOUNT_SCOPE: &str = "account";
/// The scope of all accounts, which the tokens of administrators have in addition.
pub const ADMIN_SCOPE: &str = "admin";
/// Maximum length of a token in bytes. Issued tokens have about 700.
const MAX_LENGTH: usize = 4096;
/// Maximum difference between the clocks of two nodes. A token is accepted up to this long before
/// its `iat`.
pub(crate) const CLOCK_SKEW: TimeSpan = TimeSpan::seconds(5);

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
    /// The client that the token was issued to (RFC 9068, 2.2): [`CLIENT_ID`].
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

/// The reason why a token is invalid, for the log. Clients always get the same response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages describe the variants")]
pub enum TokenError {
    #[error("longer than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("not a JWT")]
    Malformed,
    #[error("not of type {TYP}")]
    Type,
    #[error("unknown critical header")]
    Critical,
    #[error("unknown key")]
    Key,
    #[error("wrong algorithm for the key")]
    Algorithm,
    #[error("invalid signature")]
    Signature,
    #[error("claim missing, duplicated or of the wrong type")]
    Claims,
    #[error("wrong issuer, audience or client")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("not yet valid")]
    Future,
    #[error("lifetime too long")]
    Lifetime,
    #[error("revoked")]
    Revoked,
}

/// Signs claims with the current signing key.
pub(crate) fn sign(keys: &KeyStore, claims: &Claims) -> Result<String, Error> {
    let signer = keys.signer()?;
    let header = Header {
        typ: Some(TYP.into()),
        kid: Some(signer.kid.clone()),
        ..Header::new(signer.algorithm.jwt())
    };
    jsonwebtoken::encode(&header, claims, &signer.sign).map_err(Error::internal)
}

/// Verifies everything but revocation.
pub(crate) fn verify(
    keys: &KeyStore,
    cache: &TokenCache,
    issuer: &str,
    token: &str,
    now: Timestamp,
) -> Result<Claims, TokenError> {
    if token.len() > MAX_LENGTH {
        return Err(TokenError::TooLong);
    }
    let verified = cache.get_or(token, || verify_signature(keys, token))?;
    // The key may have been removed since the token was cached.
    keys.find(&verified.kid).ok_or(TokenError::Key)?;
    validate_claims(&verified.claims, issuer, now)?;
    Ok(verified.claims.clone())
}

/// Verifies what cannot change while a token is valid: its form, its type and its signature.
fn verify_signature(keys: &KeyStore, token: &str) -> Result<CachedToken, TokenError> {
    let unverified = UnverifiedJws::parse(token)?;
    // RFC 9068, 4: the type is compared case-insensitively, and may be a full media type.
    let typ = unverified.header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    if typ.strip_prefix("application/").unwrap_or(&typ) != TYP {
        return Err(TokenError::Type);
    }
    let kid = unverified.header.kid.clone().ok_or(TokenError::Key)?;
    let key = keys.find(&kid).ok_or(TokenError::Key)?;
    let payload = unverified.verify(&key.verifier)?;
    let claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?;
    Ok(CachedToken { kid, claims })
}

fn validate_claims(claims: &Claims, issuer: &str, now: Timestamp) -> Result<(), TokenError> {
    if claims.iss != issuer || claims.aud != issuer || claims.client_id != CLIENT_ID {
        return Err(TokenError::Audience);
    }
    if now.seconds() >= claims.exp {
        return Err(TokenError::Expired);
    }
    let latest = (now + CLOCK_SKEW).seconds();
    if claims.iat > latest
        || claims.nbf.is_some_and(|nbf| nbf > latest)
        || claims.auth_time > latest
    {
        return Err(TokenError::Future);
    }
    // One second more, because `exp` is rounded up.
    if claims
        .exp
        .checked_sub(claims.iat)
        .is_none_or(|life| life > MAX_ACCESS_TOKEN_TTL.as_seconds() + 1)
    {
        return Err(TokenError::Lifetime);
    }
    Ok(())
}
