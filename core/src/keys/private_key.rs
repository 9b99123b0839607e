//! The private part of a signing key: generation, checks, sealing and signing.

use crate::{
    Error, RandomSource, ServerSecret,
    keys::{
        Algorithm, InvalidKey,
        jwk::{PublicKey, bits},
    },
    server_secret::looks_random,
};
use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

/// The label that sealed bytes are bound to.
const LABEL: &str = "signing-key";
/// ASVS 5.0 11.6.1, NIST SP 800-57: 128 bits of security require 3072 bits of RSA.
const RSA_BITS: usize = 3072;

/// A private key. It has no `Debug` and is only stored sealed.
pub(crate) struct PrivateKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) public: PublicKey,
    /// PKCS #8 (RFC 5958); for HS256 the secret itself.
    bytes: Zeroizing<Vec<u8>>,
}

impl PrivateKey {
    /// Generates a key. AWS-LC provides the randomness, so that a seeded test source never
    /// determines a private key; only a shared secret uses `random`.
    pub(crate) fn generate(algorithm: Algorithm, random: &RandomSource) -> Result<Self, Error> {
        let failed = |_| Error::internal("key generation failed");
        match algorithm {
            Algorithm::Es256 => Self::ecdsa(
                &EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?,
            ),
            Algorithm::EdDsa => Self::ed25519(&Ed25519KeyPair::generate().map_err(failed)?),
            Algorithm::Rs256 => Self::rsa(&RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?),
            Algorithm::Hs256 => Ok(Self {
                algorithm,
                public: PublicKey::Oct,
                bytes: Zeroizing::new(random.bytes::<32>()?.to_vec()),
            }),
        }
        .map_err(Error::internal)
    }

    /// Parses PKCS #8 with any supported kind of key.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Self::ecdsa(&pair);
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::ed25519(&pair);
        }
        RsaKeyPair::from_pkcs8(der).map_err(|_| InvalidKey::Kind).and_then(|pair| Self::rsa(&pair))
    }

    /// Opens a sealed key.
    pub(crate) fn unseal(
        algorithm: Algorithm,
        kid: &str,
        sealed: &[u8],
        secret: &ServerSecret,
    ) -> Result<Self, Error> {
        let bytes = secret.open(LABEL, kid.as_bytes(), sealed)?;
        let private = match algorithm {
            Algorithm::Hs256 => Self { algorithm, public: PublicKey::Oct, bytes },
            _ => Self::from_pkcs8(&bytes).map_err(Error::internal)?,
        };
        if private.algorithm == algorithm {
            Ok(private)
        } else {
            Err(Error::internal("stored key does not match its algorithm"))
        }
    }

    /// Seals the key for the database.
    pub(crate) fn seal(
        &self,
        kid: &str,
        secret: &ServerSecret,
        random: &RandomSource,
    ) -> Result<Vec<u8>, Error> {
        secret.seal(LABEL, kid.as_bytes(), &self.bytes, random)
    }

    pub(crate) fn ecdsa(pair: &EcdsaKeyPair) -> Result<Self, InvalidKey> {
        // Uncompressed point (SEC 1, 2.3.3): 4, x, y.
        let point = pair.public_key().as_ref();
        let (x, y) =
            point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or(InvalidKey::Malformed)?;
        let public = PublicKey::Ec {
            crv: "P-256".into(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        };
        let bytes =
            Zeroizing::new(pair.to_pkcs8v1().map_err(|_| InvalidKey::Malformed)?.as_ref().to_vec());
        Ok(Self { algorithm: Algorithm::Es256, public, bytes })
    }

    pub(crate) fn ed25519(pair: &Ed25519KeyPair) -> Result<Self, InvalidKey> {
        let public = PublicKey::Okp {
            crv: "Ed25519".into(),
            x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        };
        let bytes =
            Zeroizing::new(pair.to_pkcs8().map_err(|_| InvalidKey::Malformed)?.as_ref().to_vec());
        Ok(Self { algorithm: Algorithm::EdDsa, public, bytes })
    }

    pub(crate) fn rsa(pair: &RsaKeyPair) -> Result<Self, InvalidKey> {
        let (n, e) = (
            pair.public_key().modulus().big_endian_without_leading_zero(),
            pair.public_key().exponent().big_endian_without_leading_zero(),
        );
        if bits(n) < RSA_BITS {
            return Err(InvalidKey::Short);
        }
        let public = PublicKey::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) };
        let bytes =
            Zeroizing::new(pair.as_der().map_err(|_| InvalidKey::Malformed)?.as_ref().to_vec());
        Ok(Self { algorithm: Algorithm::Rs256, public, bytes })
    }

    /// Creates a key from an imported shared secret.
    pub(crate) fn shared(bytes: Vec<u8>) -> Result<Self, InvalidKey> {
        let bytes = Zeroizing::new(bytes);
        // RFC 7518, 3.2. A typed or repeated secret can be guessed, whatever its length.
        if bytes.len() < 32 || !looks_random(&bytes) {
            Err(InvalidKey::Short)
        } else {
            Ok(Self { algorithm: Algorithm::Hs256, public: PublicKey::Oct, bytes })
        }
    }

    /// Returns the key identifier: the RFC 7638 thumbprint. For a shared secret it would be a
    /// public hash of the secret, which allows guessing (RFC 7638, 7), so a keyed hash is used.
    pub(crate) fn kid(&self, secret: &ServerSecret) -> String {
        self.public.thumbprint().unwrap_or_else(|| {
            URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&secret.mac_key("kid", &[]), &self.bytes))
        })
    }

    /// Returns the verifier for this key.
    pub(crate) fn verifier(&self) -> Result<crate::keys::jwk::Verifier, InvalidKey> {
        self.public.verifier(&self.bytes)
    }

    /// Returns the encoding key for signatures.
    pub(crate) fn signer(&self) -> Result<EncodingKey, Error> {
        Ok(match self.algorithm {
            Algorithm::Es256 => EncodingKey::from_ec_der(&self.bytes),
            Algorithm::EdDsa => EncodingKey::from_ed_der(&self.bytes),
            Algorithm::Hs256 => EncodingKey::from_secret(&self.bytes),
            // The crate expects the inner PKCS #1 (RFC 8017, A.1.2).
            Algorithm::Rs256 => {
                let info = PrivateKeyInfoRef::try_from(&self.bytes[..])
                    .map_err(|_| Error::internal("stored key is not PKCS #8"))?;
                EncodingKey::from_rsa_der(info.private_key.as_bytes())
            }
        })
    }
}
