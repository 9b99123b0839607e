//! Public keys as JSON (RFC 7517), and what verifies signatures with them.

use super::{Algorithm, Unfit};
use crate::secret::sha256;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

/// A public key as RFC 7517 writes it. There is no member that could hold a private part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key itself.
    #[serde(flatten)]
    pub public: Public,
    /// The one algorithm of this key.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// Names the key: its RFC 7638 thumbprint, where it has a public part.
    pub kid: String,
}

/// The public part of a key. Numbers and points are in base64url, without padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum Public {
    /// RFC 7518, 6.2.
    #[serde(rename = "EC")]
    Ec {
        /// `P-256`.
        crv: String,
        /// First coordinate, 32 bytes.
        x: String,
        /// Second coordinate, 32 bytes.
        y: String,
    },
    /// RFC 8037, 2.
    #[serde(rename = "OKP")]
    Okp {
        /// `Ed25519`.
        crv: String,
        /// The point, 32 bytes.
        x: String,
    },
    /// RFC 7518, 6.3.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
    /// RFC 7518, 6.4: a shared secret, which has no public part.
    #[serde(rename = "oct")]
    Oct,
}

impl Public {
    /// RFC 7638, 3: SHA-256 of the required members in the order of their names. A shared secret
    /// has none that may be shown.
    pub(crate) fn thumbprint(&self) -> Option<String> {
        // The members are base64url and fixed words: nothing needs to be escaped.
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

    /// What verifies with this key, which is checked: its curve, that its point is on it, its
    /// length. `secret` is for [`Public::Oct`].
    pub(crate) fn verifier(&self, secret: &[u8]) -> Result<Verifier, Unfit> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unfit::Malformed);
        let (algorithm, key) = match self {
            Self::Ec { crv, x, y } => {
                if crv != "P-256" {
                    return Err(Unfit::Curve);
                }
                let (bx, by) = (bytes(x)?, bytes(y)?);
                // RFC 7518, 6.2.1.2: always of the full length.
                if bx.len() != 32 || by.len() != 32 {
                    return Err(Unfit::Malformed);
                }
                let point = [&[4], &bx[..], &by[..]].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| Unfit::Point)?;
                (Algorithm::Es256, DecodingKey::from_ec_der(&point))
            }
            Self::Okp { crv, x } => {
                if crv != "Ed25519" {
                    return Err(Unfit::Curve);
                }
                let point = bytes(x)?;
                ParsedPublicKey::new(&ED25519, &point).map_err(|_| Unfit::Point)?;
                (Algorithm::EdDsa, DecodingKey::from_ed_der(&point))
            }
            Self::Rsa { n, e } => {
                let (n, e) = (bytes(n)?, bytes(e)?);
                // RFC 7518, 6.3.1: without leading zeros. Less than 2048 bits is broken, an
                // exponent of 1 signs nothing, an even one is none.
                if n.first().is_none_or(|first| *first == 0)
                    || e.first().is_none_or(|first| *first == 0)
                    || e.len() > 8
                {
                    return Err(Unfit::Malformed);
                }
                if bits(&n) < 2048 {
                    return Err(Unfit::Short);
                }
                if e == [1] || e.last().is_some_and(|last| last % 2 == 0) {
                    return Err(Unfit::Exponent);
                }
                (Algorithm::Rs256, DecodingKey::from_rsa_raw_components(&n, &e))
            }
            // RFC 7518, 3.2: at least as long as the hash.
            Self::Oct if secret.len() < 32 => return Err(Unfit::Short),
            Self::Oct => (Algorithm::Hs256, DecodingKey::from_secret(secret)),
        };
        Ok(Verifier { algorithm, key })
    }
}

/// The length of a number without leading zero bytes.
pub(super) fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// Verifies signatures, with one key and its one algorithm.
pub(crate) struct Verifier {
    pub(crate) algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier {
    /// Whether `signature` (in base64url, strictly) is this key's for `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.key, self.algorithm.jwt())
            .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 7638, 3.1, and that of RFC 8037, A.2, whose thumbprint is in A.3.
    #[test]
    fn thumbprints_are_those_of_the_standards() {
        let rsa = Public::Rsa {
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
        let okp = Public::Okp {
            crv: "Ed25519".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        };
        assert_eq!(
            okp.thumbprint().as_deref(),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        );
        assert_eq!(Public::Oct.thumbprint(), None);
    }
}
