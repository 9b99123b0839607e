//! Who signs access tokens: keys that live sealed in the database, and the ring of those that this
//! node knows.
//!
//! Every node has the same keys; they are read at the start and whenever the feed says that the
//! keys have changed. What can be done with them is in [`crate::flow`].
//!
//! A key is **published** (others may verify with it, nothing is signed with it yet), then it is
//! the one that is **signing**, then **retired** (what it signed is still accepted), then **gone**.

mod algorithm;
mod import;
pub(crate) mod jwk;
mod private;
#[cfg(test)]
mod wycheproof;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use jwk::{Jwk, Public};

pub(crate) use import::private as import;
pub(crate) use private::Private;

use crate::{Entropy, Error, ServerSecret, Store, store::keys::KeyRow};
use countersign_types::{Span, Timestamp};
use jsonwebtoken::EncodingKey;
use jwk::Verifier;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// For how long others may keep the JWKS. A key that is to sign has been published for longer.
pub const JWKS_MAX_AGE: Span = Span::minutes(5);
/// How long a new key is published before it signs: twice what others may keep, so that a copy that
/// was fetched just before is gone.
pub const PUBLISHED_FOR: Span = Span::minutes(10);
/// How long a retired key is kept: longer than anything that it signed lives.
pub const RETIRED_FOR: Span = Span::minutes(62);

/// Why a key is not taken. Says what is wrong, never what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Unfit {
    #[error("is not a key: give a private key as PEM, or as a JWK (RFC 7517)")]
    Malformed,
    #[error(
        "is not a key of a kind that is used here: P-256, Ed25519, RSA with two primes, or a shared secret"
    )]
    Kind,
    #[error("is on another curve: P-256 and Ed25519 are used here")]
    Curve,
    #[error("has a point that is not on its curve")]
    Point,
    #[error("is too short or not random: RSA needs 3072 bits, a shared secret 32 random bytes")]
    Short,
    #[error("has an exponent with which nothing is signed")]
    Exponent,
    #[error("is marked for something else than signatures (`use`, `key_ops`)")]
    Usage,
    #[error("is marked for another algorithm than the one that such a key is used with here")]
    Algorithm,
    #[error("has no private part")]
    NoPrivateKey,
    #[error("has a private part that does not belong to its public part")]
    Halves,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Others can know it; it signs nothing yet.
    Published,
    /// Signs.
    Signing,
    /// Signs no more; what it signed is still accepted.
    Retired,
    /// Nothing of it is accepted, and its private part is destroyed.
    Gone,
}

impl KeyState {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Signing => "signing",
            Self::Retired => "retired",
            Self::Gone => "gone",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Published, Self::Signing, Self::Retired, Self::Gone]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A key that tokens are verified with.
pub(crate) struct Key {
    pub(crate) verifier: Verifier,
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
    /// When the next key is due to sign, or to go.
    next_change: Option<Timestamp>,
}

/// The keys that this node knows.
#[derive(Default)]
pub struct KeyRing {
    ring: RwLock<Ring>,
    /// Held while the keys are read, so that an older reading never takes the place of a newer
    /// one.
    reading: tokio::sync::Mutex<()>,
}

impl KeyRing {
    /// Reads the keys. If none signs, the one that was published first does, or a new one.
    pub(crate) async fn load(
        &self,
        store: &Store,
        secret: &ServerSecret,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.reading.lock().await;
        let mut rows = store.read().await?.key_list().await?;
        if !rows.iter().any(|row| row.state == KeyState::Signing.as_str()) {
            let first = row(
                &Private::generate(Algorithm::Es256, entropy)?,
                KeyState::Signing,
                secret,
                entropy,
                now,
            )?;
            let mut tx = store.write().await?;
            // Another node may be doing the same: the index lets one of us in. Nobody needs to hear
            // of it: nobody has served without a key.
            if !tx.key_promote(now).await? {
                tx.key_insert(&first).await?;
            }
            tx.commit().await?;
            rows = store.read().await?.key_list().await?;
        }
        let ring = Ring::open(&rows, secret)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    pub(crate) fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).keys.get(kid).cloned()
    }

    pub(crate) fn signer(&self) -> Result<Arc<Signer>, Error> {
        self.ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .signer
            .clone()
            .ok_or_else(|| Error::internal("there is no signing key"))
    }

    /// Whether a key is to sign or to go by now.
    pub(crate) fn change_is_due(&self, now: Timestamp) -> bool {
        self.ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .next_change
            .is_some_and(|at| at <= now)
    }

    /// The public keys, for others who verify our tokens (RFC 7517, 5). Shared secrets are not
    /// among them.
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<_> = ring
            .keys
            .values()
            .filter(|key| key.public.public != Public::Oct)
            .map(|key| key.public.clone())
            .collect();
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        keys
    }
}

#[cfg(feature = "testing")]
impl KeyRing {
    /// One that signs with this key and knows no other, without a database.
    pub(crate) fn of(
        private: &Private,
        secret: &ServerSecret,
        entropy: &Entropy,
    ) -> Result<Self, Error> {
        let row = row(private, KeyState::Signing, secret, entropy, Timestamp(0))?;
        Ok(Self { ring: RwLock::new(Ring::open(&[row], secret)?), ..Self::default() })
    }
}

impl Ring {
    fn open(rows: &[KeyRow], secret: &ServerSecret) -> Result<Self, Error> {
        let mut ring = Self::default();
        for row in rows {
            // One that only a newer version knows: what it signed is refused here, and everything
            // else goes on.
            let Ok(algorithm) = row.algorithm.parse::<Algorithm>() else { continue };
            let sealed = row
                .sealed
                .as_deref()
                .ok_or_else(|| Error::internal("a stored key has no private part"))?;
            let private = Private::unseal(algorithm, &row.kid, sealed, secret)?;
            let public: Jwk = serde_json::from_str(&row.public).map_err(Error::internal)?;
            let state = KeyState::from_name(&row.state);
            if state == Some(KeyState::Signing) {
                ring.signer = Some(Arc::new(Signer {
                    kid: row.kid.clone(),
                    algorithm,
                    sign: private.signer()?,
                }));
            }
            let due = match state {
                Some(KeyState::Published) => row.signs_at,
                Some(KeyState::Retired) => Some(row.changed_at + RETIRED_FOR),
                _ => None,
            };
            ring.next_change = ring.next_change.into_iter().chain(due).min();
            ring.keys.insert(
                row.kid.clone(),
                Arc::new(Key { verifier: private.verifier().map_err(Error::internal)?, public }),
            );
        }
        Ok(ring)
    }
}

/// A key as it is stored.
pub(crate) fn row(
    private: &Private,
    state: KeyState,
    secret: &ServerSecret,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<KeyRow, Error> {
    let kid = private.kid(secret);
    let algorithm = private.algorithm.name().to_owned();
    let public = Jwk {
        public: private.public.clone(),
        alg: algorithm.clone(),
        usage: "sig".into(),
        kid: kid.clone(),
    };
    Ok(KeyRow {
        sealed: Some(private.seal(&kid, secret, entropy)?),
        kid,
        algorithm,
        state: state.as_str().to_owned(),
        public: serde_json::to_string(&public).map_err(Error::internal)?,
        created_at: now,
        changed_at: now,
        signs_at: None,
    })
}
