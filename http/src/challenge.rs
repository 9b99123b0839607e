//! `WWW-Authenticate` challenges (RFC 9110, 11.6.1; RFC 6750, 3).

use countersign_types::{FRESH_PERIOD, Problem};
use http::HeaderValue;
use std::sync::LazyLock;

/// The challenge for a missing scope (RFC 6750, 3.1). `admin` is the only scope that not every
/// token has.
pub(crate) const INSUFFICIENT_SCOPE: HeaderValue = HeaderValue::from_static(
    "Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"admin\"",
);

/// The challenge for an authentication that is not fresh (RFC 9470, 3).
pub(crate) static INSUFFICIENT_AUTHENTICATION: LazyLock<HeaderValue> = LazyLock::new(|| {
    let challenge = format!(
        "Bearer realm=\"countersign\", error=\"insufficient_user_authentication\", max_age={}",
        FRESH_PERIOD.as_seconds()
    );
    HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"))
});

/// The challenge for the credentials of an OAuth client (RFC 6749, 5.2).
pub(crate) const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"countersign\"");

/// Returns the challenge for a problem with status 401. Without `token_was_rejected` it has no
/// `error`, because the request had no token (RFC 6750, 3).
pub fn bearer_challenge(problem: &Problem, token_was_rejected: bool) -> HeaderValue {
    if *problem == Problem::ReauthenticationRequired {
        return INSUFFICIENT_AUTHENTICATION.clone();
    }
    HeaderValue::from_static(if token_was_rejected {
        "Bearer realm=\"countersign\", error=\"invalid_token\""
    } else {
        "Bearer realm=\"countersign\""
    })
}
