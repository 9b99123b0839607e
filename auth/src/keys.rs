//! Who signs access tokens: ES256 keys that live sealed in the database, and the ring of those that this node knows.
//!
//! Every node has the same keys; they are read at the start and whenever the feed says that the keys have changed.

use crate::{
    Entropy, Error, ServerSecret, Store,
    secret::sha256,
    store::{feed::News, keys::KeyRow},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

const LABEL: &str = "signing-key";

/// A public key as RFC 7517 writes it. There is no member that could hold a private part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// First coordinate, 32 bytes in base64url.
    pub x: String,
    /// Second coordinate, 32 bytes in base64url.
    pub y: String,
    /// The one algorithm of this key.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// RFC 7638 thumbprint.
    pub kid: String,
}

/// A key that tokens are verified with.
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) verify: DecodingKey,
    public: Jwk,
}

/// The key that tokens are signed with.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) sign: EncodingKey,
}

#[derive(Default)]
struct Ring {
    keys: HashMap<String, Arc<Key>>,
    signer: Option<Arc<Signer>>,
}

/// The keys that this node knows.
#[derive(Default)]
pub struct KeyRing(RwLock<Ring>);

impl KeyRing {
    /// Reads the keys; makes the first one if there is none.
    pub(crate) async fn load(&self, store: &Store, secret: &ServerSecret, entropy: &Entropy, now: Timestamp) -> Result<(), Error> {
        let mut rows = store.read().await?.key_list().await?;
        if rows.is_empty() {
            let first = generate(secret, entropy, now)?;
            let mut tx = store.write().await?;
            if tx.key_insert_signing(&first).await? {
                tx.feed_append(&News::KeysChanged, now + crate::policy::LONGEST_ACCESS).await?;
            }
            tx.commit().await?;
            rows = store.read().await?.key_list().await?;
        }
        let ring = Ring::open(&rows, secret)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    pub(crate) fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys.get(kid).cloned()
    }

    pub(crate) fn signer(&self) -> Result<Arc<Signer>, Error> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).signer.clone().ok_or_else(|| Error::internal("there is no signing key"))
    }

    /// The public keys, for others who verify our tokens (RFC 7517, 5).
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        let mut keys: Vec<_> = self.0.read().unwrap_or_else(PoisonError::into_inner).keys.values().map(|key| key.public.clone()).collect();
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        keys
    }
}

impl Ring {
    fn open(rows: &[KeyRow], secret: &ServerSecret) -> Result<Self, Error> {
        let mut ring = Self::default();
        for row in rows {
            let public: Jwk = serde_json::from_str(&row.public).map_err(Error::internal)?;
            let verify = DecodingKey::from_ec_components(&public.x, &public.y).map_err(Error::internal)?;
            ring.keys.insert(row.kid.clone(), Arc::new(Key { algorithm: Algorithm::ES256, verify, public }));
            if let ("signing", Some(sealed)) = (row.state.as_str(), &row.sealed) {
                let private = secret.open(LABEL, row.kid.as_bytes(), sealed)?;
                ring.signer = Some(Arc::new(Signer { kid: row.kid.clone(), algorithm: Algorithm::ES256, sign: EncodingKey::from_ec_der(&private) }));
            }
        }
        Ok(ring)
    }
}

/// A new ES256 key. (Its randomness comes from AWS-LC itself: a private key is never made from a test's seed.)
fn generate(secret: &ServerSecret, entropy: &Entropy, now: Timestamp) -> Result<KeyRow, Error> {
    let failed = |_| Error::internal("no key could be made");
    let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(failed)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref()).map_err(Error::internal)?;
    // Uncompressed point (SEC 1, 2.3.3): 4, x, y.
    let point = pair.public_key().as_ref();
    let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or_else(|| Error::internal("a P-256 point has 65 bytes"))?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let kid = thumbprint(&x, &y);
    let sealed = secret.seal(LABEL, kid.as_bytes(), private.as_ref(), entropy)?;
    let public = Jwk { kty: "EC".into(), crv: "P-256".into(), x, y, alg: "ES256".into(), usage: "sig".into(), kid: kid.clone() };
    let public = serde_json::to_string(&public).map_err(Error::internal)?;
    Ok(KeyRow { kid, algorithm: "ES256".into(), state: "signing".into(), public, sealed: Some(sealed), created_at: now })
}

/// RFC 7638, 3: SHA-256 of the required members in the order of their names.
fn thumbprint(x: &str, y: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes()))
}
