//! The algorithms that access tokens can be signed with. A key has exactly one, and the token does
//! not choose it.

use std::{fmt, str::FromStr};

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: the default. Every client speaks it, and ASVS 5.0 (appendix C)
    /// approves of it.
    Es256,
    /// Ed25519 (RFC 8037): quicker; its name is about to be replaced (RFC 9864).
    EdDsa,
    /// HMAC-SHA-256: quickest, and whoever can verify can also sign. It is in no JWKS.
    Hs256,
    /// RSA with PKCS #1 v1.5 padding, for verifiers that know nothing else. ASVS 5.0 (appendix C)
    /// disallows it for new systems.
    Rs256,
}

impl Algorithm {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Hs256, Self::Rs256];

    /// As `alg` has it (RFC 7518, 3.1; RFC 8037, 3.1).
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

/// Not the name of an algorithm that is used here.
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
