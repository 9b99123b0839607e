//! The private half of a signing key: how one is made, checked, sealed and used.

use super::{
    Algorithm, Unfit,
    jwk::{Public, bits},
};
use crate::{Entropy, Error, ServerSecret, secret::looks_random};
use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

/// What the sealed bytes are bound to.
const LABEL: &str = "signing-key";
/// ASVS 5.0 11.6.1, NIST SP 800-57: 128 bits of security need 3072 of RSA.
const RSA_BITS: usize = 3072;

/// The private half of a key. It is never shown: it has no `Debug`, and leaves only sealed.
pub(crate) struct Private {
    pub(crate) algorithm: Algorithm,
    pub(crate) public: Public,
    /// PKCS #8 (RFC 5958); for HS256 the secret itself.
    bytes: Zeroizing<Vec<u8>>,
}

impl Private {
    /// A new one. (Its randomness comes from AWS-LC itself: a private key is never made from a
    /// test's seed. A shared secret comes from ours.)
    pub(crate) fn generate(algorithm: Algorithm, entropy: &Entropy) -> Result<Self, Error> {
        let failed = |_| Error::internal("no key could be made");
        match algorithm {
            Algorithm::Es256 => Self::ecdsa(
                &EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?,
            ),
            Algorithm::EdDsa => Self::ed25519(&Ed25519KeyPair::generate().map_err(failed)?),
            Algorithm::Rs256 => Self::rsa(&RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?),
            Algorithm::Hs256 => Ok(Self {
                algorithm,
                public: Public::Oct,
                bytes: Zeroizing::new(entropy.bytes::<32>()?.to_vec()),
            }),
        }
        .map_err(Error::internal)
    }

    /// From PKCS #8, whatever kind of key is in it.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Unfit> {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Self::ecdsa(&pair);
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::ed25519(&pair);
        }
        RsaKeyPair::from_pkcs8(der).map_err(|_| Unfit::Kind).and_then(|pair| Self::rsa(&pair))
    }

    /// From what was sealed.
    pub(crate) fn unseal(
        algorithm: Algorithm,
        kid: &str,
        sealed: &[u8],
        secret: &ServerSecret,
    ) -> Result<Self, Error> {
        let bytes = secret.open(LABEL, kid.as_bytes(), sealed)?;
        let private = match algorithm {
            Algorithm::Hs256 => Self { algorithm, public: Public::Oct, bytes },
            _ => Self::from_pkcs8(&bytes).map_err(Error::internal)?,
        };
        if private.algorithm == algorithm {
            Ok(private)
        } else {
            Err(Error::internal("a stored key is not of the algorithm that its row says"))
        }
    }

    /// For the database.
    pub(crate) fn seal(
        &self,
        kid: &str,
        secret: &ServerSecret,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, Error> {
        secret.seal(LABEL, kid.as_bytes(), &self.bytes, entropy)
    }

    pub(crate) fn ecdsa(pair: &EcdsaKeyPair) -> Result<Self, Unfit> {
        // Uncompressed point (SEC 1, 2.3.3): 4, x, y.
        let point = pair.public_key().as_ref();
        let (x, y) =
            point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or(Unfit::Malformed)?;
        let public = Public::Ec {
            crv: "P-256".into(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        };
        let bytes =
            Zeroizing::new(pair.to_pkcs8v1().map_err(|_| Unfit::Malformed)?.as_ref().to_vec());
        Ok(Self { algorithm: Algorithm::Es256, public, bytes })
    }

    pub(crate) fn ed25519(pair: &Ed25519KeyPair) -> Result<Self, Unfit> {
        let public = Public::Okp {
            crv: "Ed25519".into(),
            x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        };
        let bytes =
            Zeroizing::new(pair.to_pkcs8().map_err(|_| Unfit::Malformed)?.as_ref().to_vec());
        Ok(Self { algorithm: Algorithm::EdDsa, public, bytes })
    }

    pub(crate) fn rsa(pair: &RsaKeyPair) -> Result<Self, Unfit> {
        let (n, e) = (
            pair.public_key().modulus().big_endian_without_leading_zero(),
            pair.public_key().exponent().big_endian_without_leading_zero(),
        );
        if bits(n) < RSA_BITS {
            return Err(Unfit::Short);
        }
        let public = Public::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) };
        let bytes = Zeroizing::new(pair.as_der().map_err(|_| Unfit::Malformed)?.as_ref().to_vec());
        Ok(Self { algorithm: Algorithm::Rs256, public, bytes })
    }

    /// A shared secret that came from outside.
    pub(crate) fn shared(bytes: Vec<u8>) -> Result<Self, Unfit> {
        let bytes = Zeroizing::new(bytes);
        // RFC 7518, 3.2. What was typed or repeated is guessed, however long it is.
        if bytes.len() < 32 || !looks_random(&bytes) {
            Err(Unfit::Short)
        } else {
            Ok(Self { algorithm: Algorithm::Hs256, public: Public::Oct, bytes })
        }
    }

    /// Names the key: the RFC 7638 thumbprint. That of a shared secret would be a hash of the
    /// secret, for all to try guesses on (RFC 7638, 7), so it is named by a hash that only we
    /// can compute.
    pub(crate) fn kid(&self, secret: &ServerSecret) -> String {
        self.public.thumbprint().unwrap_or_else(|| {
            URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&secret.mac_key("kid", &[]), &self.bytes))
        })
    }

    /// What verifies the signatures of this key.
    pub(crate) fn verifier(&self) -> Result<super::jwk::Verifier, Unfit> {
        self.public.verifier(&self.bytes)
    }

    /// What signs.
    pub(crate) fn signer(&self) -> Result<EncodingKey, Error> {
        Ok(match self.algorithm {
            Algorithm::Es256 => EncodingKey::from_ec_der(&self.bytes),
            Algorithm::EdDsa => EncodingKey::from_ed_der(&self.bytes),
            Algorithm::Hs256 => EncodingKey::from_secret(&self.bytes),
            // It wants what is inside: PKCS #1 (RFC 8017, A.1.2).
            Algorithm::Rs256 => {
                let info = PrivateKeyInfoRef::try_from(&self.bytes[..])
                    .map_err(|_| Error::internal("a stored key is not PKCS #8"))?;
                EncodingKey::from_rsa_der(info.private_key.as_bytes())
            }
        })
    }
}
