//! `WWW-Authenticate` challenges (RFC 9110, 11.6.1; RFC 6750, 3).

use http::HeaderValue;

/// The challenge for a missing scope (RFC 6750, 3.1). `admin` is the only scope that not every
/// token has.
pub(crate) const INSUFFICIENT_SCOPE: HeaderValue = HeaderValue::from_static(
    "Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"admin\"",
);

/// The challenge for the credentials of an OAuth client (RFC 6749, 5.2).
pub(crate) const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"countersign\"");

/// Returns the challenge of a 401. It has no `error` if the request had no token (RFC 6750, 3).
pub fn bearer_challenge(token_was_rejected: bool) -> HeaderValue {
    HeaderValue::from_static(if token_was_rejected {
        "Bearer realm=\"countersign\", error=\"invalid_token\""
    } else {
        "Bearer realm=\"countersign\""
    })
}
