//! Keys that come from outside: PEM (PKCS #8, SEC 1, PKCS #1) or a JWK with its private part. What
//! is weak, mislabelled or half is refused, and the reason never repeats what was given.

use super::{Algorithm, Unfit, jwk::Public, private::Private};
use aws_lc_rs::{
    rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde::Deserialize;
use serde_json::Value;

/// A private key, from the text of a file.
pub(crate) fn private(text: &str) -> Result<Private, Unfit> {
    let text = text.trim();
    if text.starts_with('{') { GivenJwk::parse(text)?.private() } else { from_pem(text) }
}

fn from_pem(text: &str) -> Result<Private, Unfit> {
    match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| Unfit::NoPrivateKey)? {
        PrivateKeyDer::Pkcs8(der) => Private::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => {
            Private::rsa(&RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| Unfit::Kind)?)
        }
        PrivateKeyDer::Sec1(der) => Private::ecdsa(
            &EcdsaKeyPair::from_private_key_der(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                der.secret_sec1_der(),
            )
            .map_err(|_| Unfit::Curve)?,
        ),
        _ => Err(Unfit::Kind),
    }
}

/// A JWK as it was given (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2). Members that nobody knows are
/// passed over, as the RFC wants.
#[derive(Deserialize)]
pub(super) struct GivenJwk {
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

impl GivenJwk {
    pub(super) fn parse(text: &str) -> Result<Self, Unfit> {
        serde_json::from_str(text).map_err(|_| Unfit::Malformed)
    }

    /// The public part, if the key is marked for signatures and for the algorithm that it is of.
    pub(super) fn public(&self) -> Result<Public, Unfit> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(Unfit::Usage);
        }
        if self.key_ops.as_ref().is_some_and(|operations| {
            !operations.iter().all(|operation| operation == "sign" || operation == "verify")
        }) {
            return Err(Unfit::Usage);
        }
        let text = |member: &Option<String>| member.clone().ok_or(Unfit::Malformed);
        let (algorithm, public) = match self.kty.as_str() {
            "EC" => (
                Algorithm::Es256,
                Public::Ec { crv: text(&self.crv)?, x: text(&self.x)?, y: text(&self.y)? },
            ),
            "OKP" => (Algorithm::EdDsa, Public::Okp { crv: text(&self.crv)?, x: text(&self.x)? }),
            "RSA" => (Algorithm::Rs256, Public::Rsa { n: text(&self.n)?, e: text(&self.e)? }),
            "oct" => (Algorithm::Hs256, Public::Oct),
            _ => return Err(Unfit::Kind),
        };
        if self.alg.as_deref().is_some_and(|alg| alg != algorithm.name()) {
            Err(Unfit::Algorithm)
        } else {
            Ok(public)
        }
    }

    /// The bytes of a shared secret.
    pub(super) fn shared(&self) -> Result<Vec<u8>, Unfit> {
        secret(self.k.as_ref())
    }

    /// The whole key, if its two halves belong together.
    fn private(&self) -> Result<Private, Unfit> {
        // Checks lengths, curves and points as well.
        let public = self.public()?;
        let private = match &public {
            Public::Oct => return Private::shared(self.shared()?),
            Public::Ec { x, y, .. } => {
                public.verifier(&[])?;
                let point = [&[4], &bytes(x)?[..], &bytes(y)?[..]].concat();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &secret(self.d.as_ref())?,
                    &point,
                );
                Private::ecdsa(&pair.map_err(|_| Unfit::Halves)?)?
            }
            Public::Okp { x, .. } => {
                public.verifier(&[])?;
                let pair =
                    Ed25519KeyPair::from_seed_and_public_key(&secret(self.d.as_ref())?, &bytes(x)?);
                Private::ed25519(&pair.map_err(|_| Unfit::Halves)?)?
            }
            Public::Rsa { n, e } => {
                public.verifier(&[])?;
                if self.oth.is_some() {
                    return Err(Unfit::Kind);
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
                Private::rsa(&RsaKeyPair::from_components(&components).map_err(|_| Unfit::Halves)?)?
            }
        };
        if private.public == public { Ok(private) } else { Err(Unfit::Halves) }
    }
}

/// A private member, which may be missing.
fn secret(member: Option<&String>) -> Result<Vec<u8>, Unfit> {
    bytes(member.ok_or(Unfit::NoPrivateKey)?)
}

fn bytes(text: &str) -> Result<Vec<u8>, Unfit> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unfit::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entropy;
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

    fn refused(text: &str) -> Unfit {
        match private(text) {
            Ok(key) => panic!("taken as {}", key.algorithm),
            Err(unfit) => unfit,
        }
    }

    fn taken(text: &str) -> Private {
        private(text).unwrap_or_else(|unfit| panic!("the key {unfit}"))
    }

    fn ec_jwk() -> Value {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let Public::Ec { crv, x, y } = Private::ecdsa(&pair).expect("a key").public else {
            panic!("EC")
        };
        json!({"kty": "EC", "crv": crv, "x": x, "y": y, "d": encode(AsBigEndian::as_be_bytes(&pair.private_key()).expect("a number").as_ref())})
    }

    fn with(jwk: &Value, name: &str, value: Value) -> String {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk.to_string()
    }

    #[test]
    fn each_kind_of_key_is_taken_in_each_of_its_forms_and_is_the_same_key() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let ed = Ed25519KeyPair::generate().expect("a key");
        let rsa = RsaKeyPair::generate(KeySize::Rsa3072).expect("a key");
        for (algorithm, der) in [
            (Algorithm::Es256, ec.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec()),
            (Algorithm::EdDsa, ed.to_pkcs8().expect("PKCS #8").as_ref().to_vec()),
            (Algorithm::EdDsa, ed.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec()),
            (Algorithm::Rs256, AsDer::as_der(&rsa).expect("PKCS #8").as_ref().to_vec()),
        ] {
            assert_eq!(taken(&pem("PRIVATE KEY", &der)).algorithm, algorithm);
        }
        let sec1 = ec.private_key().as_der().expect("SEC 1").as_ref().to_vec();
        assert!(
            taken(&pem("EC PRIVATE KEY", &sec1)).public
                == Private::ecdsa(&ec).expect("a key").public
        );
        let jwk = ec_jwk();
        assert_eq!(taken(&jwk.to_string()).algorithm, Algorithm::Es256);
        assert_eq!(taken(&with(&jwk, "use", json!("sig"))).algorithm, Algorithm::Es256);
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(ed.public_key()), "d": encode(AsBigEndian::as_be_bytes(&ed.seed().expect("a seed")).expect("bytes").as_ref())});
        assert_eq!(taken(&okp.to_string()).algorithm, Algorithm::EdDsa);
        let oct = json!({"kty": "oct", "alg": "HS256", "k": encode(Entropy::System.bytes::<32>().expect("randomness"))});
        assert_eq!(taken(&oct.to_string()).algorithm, Algorithm::Hs256);
    }

    #[test]
    fn what_is_weak_is_refused() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        assert_eq!(
            refused(&pem("PRIVATE KEY", AsDer::as_der(&rsa).expect("PKCS #8").as_ref())),
            Unfit::Short
        );
        let n = encode([&[0x80], &[1; 383][..]].concat());
        assert_eq!(
            refused(&json!({"kty": "RSA", "n": n, "e": "AQ", "d": "AQ"}).to_string()),
            Unfit::Exponent,
            "e = 1"
        );
        assert_eq!(
            refused(&json!({"kty": "RSA", "n": n, "e": "Ag", "d": "AQ"}).to_string()),
            Unfit::Exponent,
            "e = 2"
        );
        assert_eq!(
            refused(&json!({"kty": "oct", "k": encode([7, 9, 200].repeat(5))}).to_string()),
            Unfit::Short
        );
        assert_eq!(
            refused(&json!({"kty": "oct", "k": encode([7; 64])}).to_string()),
            Unfit::Short,
            "long, but not random"
        );
    }

    #[test]
    fn what_is_mislabelled_or_half_is_refused() {
        let jwk = ec_jwk();
        assert_eq!(refused(&with(&jwk, "use", json!("enc"))), Unfit::Usage);
        assert_eq!(refused(&with(&jwk, "key_ops", json!(["sign", "encrypt"]))), Unfit::Usage);
        assert_eq!(refused(&with(&jwk, "alg", json!("ES384"))), Unfit::Algorithm);
        assert_eq!(refused(&with(&jwk, "alg", json!("RS256"))), Unfit::Algorithm);
        assert_eq!(refused(&with(&jwk, "crv", json!("P-384"))), Unfit::Curve);
        assert_eq!(refused(&with(&jwk, "crv", json!("secp256k1"))), Unfit::Curve);
        assert_eq!(refused(&with(&jwk, "kty", json!("EC2"))), Unfit::Kind);
        assert_eq!(
            refused(&with(&jwk, "x", json!(encode([1; 32])))),
            Unfit::Point,
            "off the curve"
        );
        assert_eq!(refused(&with(&jwk, "x", json!(encode([1; 31])))), Unfit::Malformed);
        assert_eq!(refused(&with(&jwk, "d", ec_jwk()["d"].clone())), Unfit::Halves);
        assert_eq!(refused(&with(&jwk, "d", Value::Null)), Unfit::NoPrivateKey);
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        assert_eq!(
            refused(&pem("PRIVATE KEY", p384.to_pkcs8v1().expect("PKCS #8").as_ref())),
            Unfit::Kind
        );
        let public = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("a key")
            .public_key()
            .as_der()
            .expect("a key")
            .as_ref()
            .to_vec();
        assert_eq!(refused(&pem("PUBLIC KEY", &public)), Unfit::NoPrivateKey);
        for text in [
            "",
            "{}",
            "{",
            "hello",
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
            "{\"kty\":\"EC\",\"kty\":\"EC\"}",
        ] {
            let _any = refused(text);
        }
    }
}
