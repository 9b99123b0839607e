//! Why a token is invalid.

/// The media type of an access token (RFC 9068, 2.1). It prevents confusion with other kinds of
/// tokens.
pub(crate) const TYP: &str = "at+jwt";
/// Maximum length of a token in bytes. Issued tokens have about 700.
pub(crate) const MAX_LENGTH: usize = 4096;

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
