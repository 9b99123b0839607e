//! The settings that an operator may choose.

use crate::RateLimits;
use countersign_types::TimeSpan;

/// The maximum lifetime of an access token. Revocations are remembered for at least as long.
pub const MAX_ACCESS_TOKEN_TTL: TimeSpan = TimeSpan::minutes(60);

/// Whether users must verify their email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Verification {
    /// A sign-up creates no account before. Its response is the same for an address that has an
    /// account. An account that is not verified begins no session.
    Required,
    /// A sign-up begins a session at once, and the user can verify the address later.
    Optional,
    /// No email asks for it.
    #[default]
    Off,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SignUpPolicy {
    /// Anyone.
    #[default]
    Open,
    /// Only people with an invitation, and the first administrator.
    Invited,
    /// Only the first administrator, with the setup link. Operators create the other accounts.
    Closed,
}

/// Lifetimes, the issuer, sign-ups, verification, and rate limits.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The public URL of the server: `iss` and `aud` of its tokens.
    pub issuer: String,
    /// The lifetime of an access token; at most [`MAX_ACCESS_TOKEN_TTL`].
    pub access_token_ttl: TimeSpan,
    /// How long a session may be unused before it expires.
    pub idle_timeout: TimeSpan,
    /// How long after its log-in a session expires in any case.
    pub absolute_timeout: TimeSpan,
    /// How long after a rotation the previous refresh token is still answered with the same
    /// successor.
    pub refresh_grace: TimeSpan,
    /// Who may sign up.
    pub sign_ups: SignUpPolicy,
    /// Whether addresses must be verified, if email is configured.
    pub verification: Verification,
    /// The rate limits.
    pub limits: RateLimits,
}

impl Policy {
    /// Returns the defaults: 10 minutes, 14 days, 90 days, 10 seconds, open sign-up, no
    /// verification, default rate limits.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            access_token_ttl: TimeSpan::minutes(10),
            idle_timeout: TimeSpan::days(14),
            absolute_timeout: TimeSpan::days(90),
            refresh_grace: TimeSpan::seconds(10),
            sign_ups: SignUpPolicy::default(),
            verification: Verification::default(),
            limits: RateLimits::default(),
        }
    }
}
