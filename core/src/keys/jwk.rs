//! Public keys as JSON (RFC 7517), and their signature verifiers.

use crate::{
    keys::{Algorithm, InvalidKey},
    server_secret::sha256,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

/// A public key in the form of RFC 7517. It has no member for a private part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key.
    #[serde(flatten)]
    pub public: PublicKey,
    /// The algorithm.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key identifier: the RFC 7638 thumbprint, if there is a public part.
    pub kid: String,
}

/// The public part of a key. Numbers and points are in base64url, without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKey {
    /// An elliptic curve key (RFC 7518, 6.2).
    #[serde(rename = "EC")]
    Ec {
        /// `P-256`.
        crv: String,
        /// The first coordinate, 32 bytes.
        x: String,
        /// The second coordinate, 32 bytes.
        y: String,
    },
    /// An Ed25519 key (RFC 8037, 2).
    #[serde(rename = "OKP")]
    Okp {
        /// `Ed25519`.
        crv: String,
        /// The point, 32 bytes.
        x: String,
    },
    /// An RSA key (RFC 7518, 6.3).
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
    /// A shared secret, which has no public part (RFC 7518, 6.4).
    #[serde(rename = "oct")]
    Oct,
}

impl PublicKey {
    /// Returns the thumbprint (RFC 7638, 3): SHA-256 of the required members in lexicographic
    /// order. A shared secret has none that may be published.
    pub(crate) fn thumbprint(&self) -> Option<String> {
        // All values are base64url or constants, so nothing needs to be escaped.
        let members = match self {
            Self::Ec { crv, x, y } => {
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Oct => return None,
        };
        Some(URL_SAFE_NO_PAD.encode(sha256(members.as_bytes())))
    }

    /// Returns the verifier after checking the key: its curve, that its point is on the curve, its
    /// length. `secret` is for [`PublicKey::Oct`].
    pub(crate) fn verifier(&self, secret: &[u8]) -> Result<Verifier, InvalidKey> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::Malformed);
        let (algorithm, key) = match self {
            Self::Ec { crv, x, y } => {
                if crv != "P-256" {
                    return Err(InvalidKey::Curve);
                }
                let (bx, by) = (bytes(x)?, bytes(y)?);
                // RFC 7518, 6.2.1.2: coordinates have the full length.
                if bx.len() != 32 || by.len() != 32 {
                    return Err(InvalidKey::Malformed);
                }
                let point = [&[4], &bx[..], &by[..]].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
                    .map_err(|_| InvalidKey::Point)?;
                (Algorithm::Es256, DecodingKey::from_ec_der(&point))
            }
            Self::Okp { crv, x } => {
                if crv != "Ed25519" {
                    return Err(InvalidKey::Curve);
                }
                let point = bytes(x)?;
                ParsedPublicKey::new(&ED25519, &point).map_err(|_| InvalidKey::Point)?;
                (Algorithm::EdDsa, DecodingKey::from_ed_der(&point))
            }
            Self::Rsa { n, e } => {
                let (n, e) = (bytes(n)?, bytes(e)?);
                // RFC 7518, 6.3.1: no leading zeros. Less than 2048 bits is broken, an exponent of
                // 1 does not sign, and an even one is invalid.
                if n.first().is_none_or(|first| *first == 0)
                    || e.first().is_none_or(|first| *first == 0)
                    || e.len() > 8
                {
                    return Err(InvalidKey::Malformed);
                }
                if bits(&n) < 2048 {
                    return Err(InvalidKey::Short);
                }
                if e == [1] || e.last().is_some_and(|last| last % 2 == 0) {
                    return Err(InvalidKey::Exponent);
                }
                (Algorithm::Rs256, DecodingKey::from_rsa_raw_components(&n, &e))
            }
            // RFC 7518, 3.2: at least the length of the hash.
            Self::Oct if secret.len() < 32 => return Err(InvalidKey::Short),
            Self::Oct => (Algorithm::Hs256, DecodingKey::from_secret(secret)),
        };
        Ok(Verifier { algorithm, key })
    }
}

/// The number of bits of an integer without leading zero bytes.
pub(super) fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// A signature verifier with one key and one algorithm.
pub(crate) struct Verifier {
    pub(crate) algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier {
    /// Whether `signature` (in strict base64url) is that of this key for `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.key, self.algorithm.jwt())
            .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of RFC 7638, 3.1, and RFC 8037, A.2 (with the thumbprint in A.3).
    #[test]
    fn thumbprints_match_rfc_examples() {
        let rsa = PublicKey::Rsa {
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXA\
                rwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2Nc\
                Rwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
                .to_owned(),
            e: "AQAB".to_owned(),
        };
        assert_eq!(
            rsa.thumbprint().as_deref(),
            Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        );
        let okp = PublicKey::Okp {
            crv: "Ed25519".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        };
        assert_eq!(
            okp.thumbprint().as_deref(),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        );
        assert_eq!(PublicKey::Oct.thumbprint(), None);
    }
}
