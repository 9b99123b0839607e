//! The access token: a JWT (RFC 9068), which is a short-lived copy of a session row.
//!
//! `jsonwebtoken` only computes signatures (see `signer.rs` and `jws.rs`). Every claim is validated
//! here, for presence, type and value, against the server's clock: by default the crate allows a
//! minute of leeway and ignores missing claims.

use super::token_error::{MAX_LENGTH, TYP};
use crate::{
    Error,
    keys::{KeyStore, jws::UnverifiedJws},
    policy::MAX_ACCESS_TOKEN_TTL,
    sessions::token_cache::{CachedToken, TokenCache},
};
use countersign_types::{TimeSpan, Timestamp};
use std::sync::Arc;

pub use super::{claims::Claims, token_error::TokenError};

/// The OAuth client that tokens are issued to. The pages and the clients of the API are one public
/// client (RFC 6749, 2.1).
pub const CLIENT_ID: &str = "countersign";
/// The scope of the user's own account. Every access token has it.
pub const ACCOUNT_SCOPE: &str = "account";
/// The scope of all accounts, which the tokens of administrators have in addition.
pub const ADMIN_SCOPE: &str = "admin";
/// Maximum difference between the clocks of two nodes. A token is accepted up to this long before
/// its `iat`.
pub(crate) const CLOCK_SKEW: TimeSpan = TimeSpan::seconds(5);

/// Signs claims with the current signing key.
pub(crate) fn sign(keys: &KeyStore, claims: &Claims) -> Result<String, Error> {
    keys.signer()?.sign(TYP, claims)
}

/// Verifies everything but revocation.
pub(crate) fn verify(
    keys: &KeyStore,
    cache: &TokenCache,
    issuer: &str,
    token: &str,
    now: Timestamp,
) -> Result<Arc<Claims>, TokenError> {
    if token.len() > MAX_LENGTH {
        return Err(TokenError::TooLong);
    }
    let verified = cache.get_or(token, || verify_signature(keys, token))?;
    // The key may have been removed since the token was cached.
    keys.find(&verified.kid).ok_or(TokenError::Key)?;
    validate_claims(&verified.claims, issuer, now)?;
    Ok(Arc::clone(&verified.claims))
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
    Ok(CachedToken { kid, claims: Arc::new(claims) })
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
