//! Why a key is not accepted.

/// The reason why a key is not accepted. The message never quotes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages describe the variants")]
pub enum InvalidKey {
    #[error("is not a key: give a private key as PEM, or as a JWK (RFC 7517)")]
    Malformed,
    #[error("has an unsupported type: use P-256, Ed25519, RSA with two primes, or a shared secret")]
    Kind,
    #[error("has an unsupported curve: use P-256 or Ed25519")]
    Curve,
    #[error("has a point that is not on its curve")]
    Point,
    #[error("is too short or not random: RSA needs 3072 bits, a shared secret 32 random bytes")]
    Short,
    #[error("has an invalid exponent")]
    Exponent,
    #[error("is not meant for signatures (`use`, `key_ops`)")]
    Usage,
    #[error("has an unsupported algorithm for its type")]
    Algorithm,
    #[error("has no private part")]
    NoPrivateKey,
    #[error("has a private part that does not belong to its public part")]
    KeyPairMismatch,
}
