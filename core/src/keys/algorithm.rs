//! The signature algorithms of access tokens. A key has exactly one, and a token cannot choose it.

use std::{fmt, str::FromStr};

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: the default. All clients support it, and ASVS 5.0 (appendix C)
    /// approves it.
    Es256,
    /// Ed25519 (RFC 8037): faster. Its name is to be replaced (RFC 9864).
    EdDsa,
    /// HMAC-SHA-256: fastest. Every verifier can also sign. It is in no JWKS.
    Hs256,
    /// RSA with PKCS #1 v1.5 padding, for verifiers without other algorithms. ASVS 5.0 (appendix C)
    /// disallows it for new systems.
    Rs256,
}

impl Algorithm {
    /// All algorithms, the default first.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Hs256, Self::Rs256];

    /// The value of `alg` (RFC 7518, 3.1; RFC 8037, 3.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) const fn jwt(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The error for a name that is no supported algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be ES256, EdDSA, HS256 or RS256")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Names are compared exactly (RFC 7515, 4.1.1).
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}
