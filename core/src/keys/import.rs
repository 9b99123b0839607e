//! Import of keys: PEM (PKCS #8, SEC 1, PKCS #1) or a JWK with its private part. Weak, mislabelled
//! and incomplete keys are rejected, and the error never quotes the input.

use crate::keys::{Algorithm, InvalidKey, jwk::PublicKey, private_key::PrivateKey};
use aws_lc_rs::{
    rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde::Deserialize;
use serde_json::Value;

/// Imports a private key from text.
pub(crate) fn import_key(text: &str) -> Result<PrivateKey, InvalidKey> {
    let text = text.trim();
    if text.starts_with('{') { PrivateJwk::parse(text)?.private() } else { from_pem(text) }
}

fn from_pem(text: &str) -> Result<PrivateKey, InvalidKey> {
    match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| InvalidKey::NoPrivateKey)? {
        PrivateKeyDer::Pkcs8(der) => PrivateKey::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => PrivateKey::rsa(
            &RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| InvalidKey::Kind)?,
        ),
        PrivateKeyDer::Sec1(der) => PrivateKey::ecdsa(
            &EcdsaKeyPair::from_private_key_der(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                der.secret_sec1_der(),
            )
            .map_err(|_| InvalidKey::Curve)?,
        ),
        _ => Err(InvalidKey::Kind),
    }
}

/// A JWK as received (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2). Unknown members are ignored, as the
/// RFC requires.
#[derive(Deserialize)]
pub(super) struct PrivateJwk {
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
    oth: Option<Value>,
    k: Option<String>,
}

impl PrivateJwk {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidKey> {
        serde_json::from_str(text).map_err(|_| InvalidKey::Malformed)
    }

    /// Returns the public part, if the key is meant for signatures and for the algorithm of its
    /// type.
    pub(super) fn public(&self) -> Result<PublicKey, InvalidKey> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(InvalidKey::Usage);
        }
        if self.key_ops.as_ref().is_some_and(|operations| {
            !operations.iter().all(|operation| operation == "sign" || operation == "verify")
        }) {
            return Err(InvalidKey::Usage);
        }
        let text = |member: &Option<String>| member.clone().ok_or(InvalidKey::Malformed);
        let (algorithm, public) = match self.kty.as_str() {
            "EC" => (
                Algorithm::Es256,
                PublicKey::Ec { crv: text(&self.crv)?, x: text(&self.x)?, y: text(&self.y)? },
            ),
            "OKP" => {
                (Algorithm::EdDsa, PublicKey::Okp { crv: text(&self.crv)?, x: text(&self.x)? })
            }
            "RSA" => (Algorithm::Rs256, PublicKey::Rsa { n: text(&self.n)?, e: text(&self.e)? }),
            "oct" => (Algorithm::Hs256, PublicKey::Oct),
            _ => return Err(InvalidKey::Kind),
        };
        if self.alg.as_deref().is_some_and(|alg| alg != algorithm.name()) {
            Err(InvalidKey::Algorithm)
        } else {
            Ok(public)
        }
    }

    /// The bytes of a shared secret.
    pub(super) fn shared(&self) -> Result<Vec<u8>, InvalidKey> {
        secret(self.k.as_ref())
    }

    /// Returns the whole key, if its private and public parts match.
    fn private(&self) -> Result<PrivateKey, InvalidKey> {
        // Also checks lengths, curves and points.
        let public = self.public()?;
        let private = match &public {
            PublicKey::Oct => return PrivateKey::shared(self.shared()?),
            PublicKey::Ec { x, y, .. } => {
                public.verifier(&[])?;
                let point = [&[4], &bytes(x)?[..], &bytes(y)?[..]].concat();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &secret(self.d.as_ref())?,
                    &point,
                );
                PrivateKey::ecdsa(&pair.map_err(|_| InvalidKey::KeyPairMismatch)?)?
            }
            PublicKey::Okp { x, .. } => {
                public.verifier(&[])?;
                let pair =
                    Ed25519KeyPair::from_seed_and_public_key(&secret(self.d.as_ref())?, &bytes(x)?);
                PrivateKey::ed25519(&pair.map_err(|_| InvalidKey::KeyPairMismatch)?)?
            }
            PublicKey::Rsa { n, e } => {
                public.verifier(&[])?;
                if self.oth.is_some() {
                    return Err(InvalidKey::Kind);
                }
                let components = KeyPairComponents {
                    public_key: PublicKeyComponents { n: bytes(n)?, e: bytes(e)? },
                    d: secret(self.d.as_ref())?,
                    p: secret(self.p.as_ref())?,
                    q: secret(self.q.as_ref())?,
                    dP: secret(self.dp.as_ref())?,
                    dQ: secret(self.dq.as_ref())?,
                    qInv: secret(self.qi.as_ref())?,
                };
                PrivateKey::rsa(
                    &RsaKeyPair::from_components(&components)
                        .map_err(|_| InvalidKey::KeyPairMismatch)?,
                )?
            }
        };
        if private.public == public { Ok(private) } else { Err(InvalidKey::KeyPairMismatch) }
    }
}

/// Decodes a private member, which may be missing.
fn secret(member: Option<&String>) -> Result<Vec<u8>, InvalidKey> {
    bytes(member.ok_or(InvalidKey::NoPrivateKey)?)
}

fn bytes(text: &str) -> Result<Vec<u8>, InvalidKey> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RandomSource;
    use aws_lc_rs::{
        encoding::{AsBigEndian, AsDer},
        rsa::KeySize,
        signature::{ECDSA_P384_SHA384_FIXED_SIGNING, KeyPair},
    };
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn import_error(text: &str) -> InvalidKey {
        match import_key(text) {
            Ok(key) => panic!("imported as {}", key.algorithm),
            Err(invalid) => invalid,
        }
    }

    fn imported(text: &str) -> PrivateKey {
        import_key(text).unwrap_or_else(|invalid| panic!("the key {invalid}"))
    }

    fn ec_jwk() -> Value {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let PublicKey::Ec { crv, x, y } = PrivateKey::ecdsa(&pair).expect("a key").public else {
            panic!("EC")
        };
        let d = AsBigEndian::as_be_bytes(&pair.private_key()).expect("a number");
        json!({"kty": "EC", "crv": crv, "x": x, "y": y, "d": encode(d.as_ref())})
    }

    fn with(jwk: &Value, name: &str, value: Value) -> String {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk.to_string()
    }

    #[test]
    fn each_key_type_is_imported_in_each_format() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let ed = Ed25519KeyPair::generate().expect("a key");
        let rsa = RsaKeyPair::generate(KeySize::Rsa3072).expect("a key");
        for (algorithm, der) in [
            (Algorithm::Es256, ec.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec()),
            (Algorithm::EdDsa, ed.to_pkcs8().expect("PKCS #8").as_ref().to_vec()),
            (Algorithm::EdDsa, ed.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec()),
            (Algorithm::Rs256, AsDer::as_der(&rsa).expect("PKCS #8").as_ref().to_vec()),
        ] {
            assert_eq!(imported(&pem("PRIVATE KEY", &der)).algorithm, algorithm);
        }
        let sec1 = ec.private_key().as_der().expect("SEC 1").as_ref().to_vec();
        assert!(
            imported(&pem("EC PRIVATE KEY", &sec1)).public
                == PrivateKey::ecdsa(&ec).expect("a key").public
        );
        let jwk = ec_jwk();
        assert_eq!(imported(&jwk.to_string()).algorithm, Algorithm::Es256);
        assert_eq!(imported(&with(&jwk, "use", json!("sig"))).algorithm, Algorithm::Es256);
        let seed = AsBigEndian::as_be_bytes(&ed.seed().expect("a seed")).expect("bytes");
        let (x, d) = (encode(ed.public_key()), encode(seed.as_ref()));
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "d": d});
        assert_eq!(imported(&okp.to_string()).algorithm, Algorithm::EdDsa);
        let k = encode(RandomSource::System.bytes::<32>().expect("randomness"));
        let oct = json!({"kty": "oct", "alg": "HS256", "k": k});
        assert_eq!(imported(&oct.to_string()).algorithm, Algorithm::Hs256);
    }

    #[test]
    fn weak_key_is_rejected() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        assert_eq!(
            import_error(&pem("PRIVATE KEY", AsDer::as_der(&rsa).expect("PKCS #8").as_ref())),
            InvalidKey::Short
        );
        let n = encode([&[0x80], &[1; 383][..]].concat());
        assert_eq!(
            import_error(&json!({"kty": "RSA", "n": n, "e": "AQ", "d": "AQ"}).to_string()),
            InvalidKey::Exponent,
            "e = 1"
        );
        assert_eq!(
            import_error(&json!({"kty": "RSA", "n": n, "e": "Ag", "d": "AQ"}).to_string()),
            InvalidKey::Exponent,
            "e = 2"
        );
        assert_eq!(
            import_error(&json!({"kty": "oct", "k": encode([7, 9, 200].repeat(5))}).to_string()),
            InvalidKey::Short
        );
        assert_eq!(
            import_error(&json!({"kty": "oct", "k": encode([7; 64])}).to_string()),
            InvalidKey::Short,
            "long, but not random"
        );
    }

    #[test]
    fn mislabelled_or_incomplete_key_is_rejected() {
        let jwk = ec_jwk();
        assert_eq!(import_error(&with(&jwk, "use", json!("enc"))), InvalidKey::Usage);
        assert_eq!(
            import_error(&with(&jwk, "key_ops", json!(["sign", "encrypt"]))),
            InvalidKey::Usage
        );
        assert_eq!(import_error(&with(&jwk, "alg", json!("ES384"))), InvalidKey::Algorithm);
        assert_eq!(import_error(&with(&jwk, "alg", json!("RS256"))), InvalidKey::Algorithm);
        assert_eq!(import_error(&with(&jwk, "crv", json!("P-384"))), InvalidKey::Curve);
        assert_eq!(import_error(&with(&jwk, "crv", json!("secp256k1"))), InvalidKey::Curve);
        assert_eq!(import_error(&with(&jwk, "kty", json!("EC2"))), InvalidKey::Kind);
        assert_eq!(
            import_error(&with(&jwk, "x", json!(encode([1; 32])))),
            InvalidKey::Point,
            "off the curve"
        );
        assert_eq!(import_error(&with(&jwk, "x", json!(encode([1; 31])))), InvalidKey::Malformed);
        assert_eq!(
            import_error(&with(&jwk, "d", ec_jwk()["d"].clone())),
            InvalidKey::KeyPairMismatch
        );
        assert_eq!(import_error(&with(&jwk, "d", Value::Null)), InvalidKey::NoPrivateKey);
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        assert_eq!(
            import_error(&pem("PRIVATE KEY", p384.to_pkcs8v1().expect("PKCS #8").as_ref())),
            InvalidKey::Kind
        );
        let public = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("a key")
            .public_key()
            .as_der()
            .expect("a key")
            .as_ref()
            .to_vec();
        assert_eq!(import_error(&pem("PUBLIC KEY", &public)), InvalidKey::NoPrivateKey);
        for text in [
            "",
            "{}",
            "{",
            "hello",
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
            "{\"kty\":\"EC\",\"kty\":\"EC\"}",
        ] {
            let _ = import_error(text);
        }
    }
}
