//! The access token: a JWT (RFC 9068) that is a ten-minute copy of a session row.
//!
//! `jsonwebtoken` computes signatures and nothing else (see `jws.rs`). Every claim is checked here,
//! for presence, type and value, against our own clock: by default the crate allows a minute of
//! leeway and passes over claims that are missing.

use crate::{
    Error,
    jws::Unverified,
    keys::KeyRing,
    policy::LONGEST_ACCESS,
    verified::{Verified, VerifiedTokens},
};
use countersign_types::{SessionId, Span, Timestamp, UserId, view::Role};
use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};

/// The media type of an access token (RFC 9068, 2.1), so that no other kind of token of ours can
/// stand in for one.
const TYP: &str = "at+jwt";
/// The OAuth client that tokens are issued to: our own pages and the clients of the API are one
/// public client (RFC 6749, 2.1).
pub const CLIENT_ID: &str = "countersign";
/// The scope of the user's own account, which every access token has.
pub const ACCOUNT_SCOPE: &str = "account";
/// The scope of everyone's accounts, which the tokens of administrators have beside it.
pub const ADMIN_SCOPE: &str = "admin";
/// Ours have some 700 bytes.
const MAX_LENGTH: usize = 4096;
/// How far the clocks of two nodes may be apart before a token from the one comes from the other's
/// future.
pub(crate) const SKEW: Span = Span::seconds(5);

/// What an access token says. `deny_unknown_fields` is not set: a newer node may add a claim during
/// an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it: the public URL of this server.
    pub iss: String,
    /// For whom: the same.
    pub aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// The client that it was issued to (RFC 9068, 2.2): [`CLIENT_ID`].
    pub client_id: String,
    /// Seconds since 1970: from then on it is refused.
    pub exp: i64,
    /// Seconds since 1970: when it was made.
    pub iat: i64,
    /// Not valid before; we never set it, but a signed token that has it means it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Names this token.
    pub jti: String,
    /// The session that it is a copy of.
    pub sid: SessionId,
    /// The generation of the refresh token that came with it.
    #[serde(rename = "gen")]
    pub generation: i64,
    /// The user's epoch when it was made.
    pub epoch: i64,
    /// How they proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// How much that is worth.
    pub acr: String,
    /// Seconds since 1970: when they proved it.
    pub auth_time: i64,
    /// What it may be used for, separated by blanks.
    pub scope: String,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// A token is not valid. Why is for the log; whoever sent it always gets the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refused {
    #[error("longer than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("not a JWT")]
    Malformed,
    #[error("not of type {TYP}")]
    Type,
    #[error("a critical header that we do not know")]
    Critical,
    #[error("signed with a key that we do not know")]
    Key,
    #[error("not the algorithm of its key")]
    Algorithm,
    #[error("not signed with its key")]
    Signature,
    #[error("a claim is missing, twice there or of another type")]
    Claims,
    #[error("from somebody else, or for somebody else")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("from the future")]
    Future,
    #[error("lives longer than any token of ours")]
    Lifetime,
    #[error("revoked")]
    Revoked,
}

/// Signs.
pub(crate) fn sign(keys: &KeyRing, claims: &Claims) -> Result<String, Error> {
    let signer = keys.signer()?;
    let header = Header {
        typ: Some(TYP.into()),
        kid: Some(signer.kid.clone()),
        ..Header::new(signer.algorithm.jwt())
    };
    jsonwebtoken::encode(&header, claims, &signer.sign).map_err(Error::internal)
}

/// Checks everything that can be checked without knowing what has been revoked.
pub(crate) fn verify(
    keys: &KeyRing,
    remembered: &VerifiedTokens,
    issuer: &str,
    token: &str,
    now: Timestamp,
) -> Result<Claims, Refused> {
    if token.len() > MAX_LENGTH {
        return Err(Refused::TooLong);
    }
    let verified = remembered.get_or(token, || open(keys, token))?;
    // A key may have been removed since.
    keys.find(&verified.kid).ok_or(Refused::Key)?;
    check(&verified.claims, issuer, now)?;
    Ok(verified.claims.clone())
}

/// What does not change while a token lives: its form, its type, its signature, and what it says.
fn open(keys: &KeyRing, token: &str) -> Result<Verified, Refused> {
    let unverified = Unverified::parse(token)?;
    // RFC 9068, 4: the type is compared without regard to case, and may be written as a full media
    // type.
    let typ = unverified.header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    if typ.strip_prefix("application/").unwrap_or(&typ) != TYP {
        return Err(Refused::Type);
    }
    let kid = unverified.header.kid.clone().ok_or(Refused::Key)?;
    let key = keys.find(&kid).ok_or(Refused::Key)?;
    let payload = unverified.verify(&key.verifier)?;
    let claims = serde_json::from_slice(&payload).map_err(|_| Refused::Claims)?;
    Ok(Verified { kid, claims })
}

fn check(claims: &Claims, issuer: &str, now: Timestamp) -> Result<(), Refused> {
    if claims.iss != issuer || claims.aud != issuer || claims.client_id != CLIENT_ID {
        return Err(Refused::Audience);
    }
    if now.seconds() >= claims.exp {
        return Err(Refused::Expired);
    }
    let latest = (now + SKEW).seconds();
    if claims.iat > latest
        || claims.nbf.is_some_and(|nbf| nbf > latest)
        || claims.auth_time > latest
    {
        return Err(Refused::Future);
    }
    // One second more, because `exp` is rounded up.
    if claims.exp.checked_sub(claims.iat).is_none_or(|life| life > LONGEST_ACCESS.as_seconds() + 1)
    {
        return Err(Refused::Lifetime);
    }
    Ok(())
}
