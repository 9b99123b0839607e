//! The numbers that an operator may choose.

use crate::RateLimits;
use countersign_types::Span;

/// The longest life that an access token can be given. What is revoked must be remembered for so
/// long.
pub const LONGEST_ACCESS: Span = Span::minutes(60);

/// How long things live, and whose they are.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Where the server is reached: `iss` and `aud` of its tokens.
    pub issuer: String,
    /// Life of an access token; at most [`LONGEST_ACCESS`].
    pub access: Span,
    /// How long a session may be unused.
    pub idle: Span,
    /// How long a session lasts in any case.
    pub absolute: Span,
    /// For how long after a renewal the token before it is answered with the same successor again.
    pub grace: Span,
    /// The rate limits.
    pub limits: RateLimits,
}

impl Policy {
    /// The defaults: 10 minutes, 14 days, 90 days, 10 seconds, limits.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            access: Span::minutes(10),
            idle: Span::days(14),
            absolute: Span::days(90),
            grace: Span::seconds(10),
            limits: RateLimits::default(),
        }
    }
}
