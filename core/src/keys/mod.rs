//! The signing keys of access tokens: sealed in the database, and loaded by each node.
//!
//! All nodes have the same keys. They are loaded at the start and whenever the change feed
//! announces a change. The operations on keys are in `lifecycle`.
//!
//! A key is **published** (verifiers know it, nothing is signed with it yet), then **signing**,
//! then **retired** (its signatures are still accepted), then **removed**.

mod algorithm;
mod import;
mod invalid_key;
pub(crate) mod jwk;
pub(crate) mod jws;
mod lifecycle;
mod private_key;
mod signer;
pub(crate) mod store;
#[cfg(test)]
mod wycheproof;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use invalid_key::InvalidKey;
pub use jwk::{Jwk, PublicKey};
pub use lifecycle::{KeyAdmin, KeyError, KeyInfo};

pub(crate) use import::import_key;
pub(crate) use private_key::PrivateKey;

use crate::{Error, RandomSource, ServerSecret, Store, keys::store::KeyRow};
use countersign_types::{TimeSpan, Timestamp};
use jwk::Verifier;
use signer::Signer;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// How long verifiers may cache the JWKS. It is shorter than [`PRE_PUBLISH_PERIOD`].
pub const JWKS_MAX_AGE: TimeSpan = TimeSpan::minutes(5);
/// How long a new key is published before it signs: twice [`JWKS_MAX_AGE`], so that all cached
/// copies contain it.
pub const PRE_PUBLISH_PERIOD: TimeSpan = TimeSpan::minutes(10);
/// How long a retired key is kept: longer than any token that it signed is valid.
pub const RETIREMENT_PERIOD: TimeSpan = TimeSpan::minutes(62);

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Verifiers know it; nothing is signed with it yet.
    Published,
    /// New tokens are signed with it.
    Signing,
    /// Nothing new is signed with it; its signatures are still accepted.
    Retired,
    /// Its signatures are rejected, and its private part is deleted.
    Removed,
}

impl KeyState {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Signing => "signing",
            Self::Retired => "retired",
            Self::Removed => "gone",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Published, Self::Signing, Self::Retired, Self::Removed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A key for verification.
pub(crate) struct Key {
    pub(crate) verifier: Verifier,
    public: Jwk,
}

#[derive(Default)]
struct KeySet {
    keys: HashMap<String, Arc<Key>>,
    signer: Option<Arc<Signer>>,
    /// When the next key is to be activated or removed.
    next_change: Option<Timestamp>,
}

/// The keys that this node knows.
#[derive(Default)]
pub struct KeyStore {
    set: RwLock<KeySet>,
    /// Serializes loads, so that an older result never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
}

impl KeyStore {
    /// Loads the keys. Without a signing key, the one that was published first becomes it, or a new
    /// one.
    pub(crate) async fn load(
        &self,
        store: &Store,
        secret: &ServerSecret,
        random: &RandomSource,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.reading.lock().await;
        let mut rows = store.read().await?.key_list().await?;
        if !rows.iter().any(|row| row.state == KeyState::Signing.as_str()) {
            let first = row(
                &PrivateKey::generate(Algorithm::Es256, random)?,
                KeyState::Signing,
                secret,
                random,
                now,
            )?;
            let mut tx = store.write().await?;
            // Another node may do the same: the unique index accepts one. The feed announces
            // nothing, because no node has served requests without a key.
            if !tx.key_activate(now).await? {
                tx.key_insert(&first).await?;
            }
            tx.commit().await?;
            rows = store.read().await?.key_list().await?;
        }
        let set = KeySet::open(&rows, secret)?;
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = set;
        Ok(())
    }

    pub(crate) fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).keys.get(kid).cloned()
    }

    pub(crate) fn signer(&self) -> Result<Arc<Signer>, Error> {
        self.set
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .signer
            .clone()
            .ok_or_else(|| Error::internal("no signing key"))
    }

    /// Whether a key is due to be activated or removed.
    pub(crate) fn rotation_is_due(&self, now: Timestamp) -> bool {
        self.set
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .next_change
            .is_some_and(|at| at <= now)
    }

    /// Returns the public keys, for verifiers (RFC 7517, 5). Shared secrets are not included.
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<_> = set
            .keys
            .values()
            .filter(|key| key.public.public != PublicKey::Oct)
            .map(|key| key.public.clone())
            .collect();
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        keys
    }
}

#[cfg(feature = "testing")]
impl KeyStore {
    /// Creates a store with one signing key, without a database.
    pub(crate) fn with_key(
        private: &PrivateKey,
        secret: &ServerSecret,
        random: &RandomSource,
    ) -> Result<Self, Error> {
        let row = row(private, KeyState::Signing, secret, random, Timestamp(0))?;
        Ok(Self { set: RwLock::new(KeySet::open(&[row], secret)?), ..Self::default() })
    }
}

impl KeySet {
    fn open(rows: &[KeyRow], secret: &ServerSecret) -> Result<Self, Error> {
        let mut set = Self::default();
        for row in rows {
            // An algorithm of a newer version: its tokens are rejected here, and all other keys
            // work.
            let Ok(algorithm) = row.algorithm.parse::<Algorithm>() else { continue };
            let sealed = row
                .sealed
                .as_deref()
                .ok_or_else(|| Error::internal("stored key has no private part"))?;
            let private = PrivateKey::unseal(algorithm, &row.kid, sealed, secret)?;
            let public: Jwk = serde_json::from_str(&row.public).map_err(Error::internal)?;
            let state = KeyState::from_name(&row.state);
            if state == Some(KeyState::Signing) {
                set.signer = Some(Arc::new(Signer {
                    kid: row.kid.clone(),
                    algorithm,
                    key: private.signer()?,
                }));
            }
            let due = match state {
                Some(KeyState::Published) => row.activates_at,
                Some(KeyState::Retired) => Some(row.changed_at + RETIREMENT_PERIOD),
                _ => None,
            };
            set.next_change = set.next_change.into_iter().chain(due).min();
            set.keys.insert(
                row.kid.clone(),
                Arc::new(Key { verifier: private.verifier().map_err(Error::internal)?, public }),
            );
        }
        Ok(set)
    }
}

/// Returns the database row of a key.
pub(crate) fn row(
    private: &PrivateKey,
    state: KeyState,
    secret: &ServerSecret,
    random: &RandomSource,
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
        sealed: Some(private.seal(&kid, secret, random)?),
        kid,
        algorithm,
        state: state.as_str().to_owned(),
        public: serde_json::to_string(&public).map_err(Error::internal)?,
        created_at: now,
        changed_at: now,
        activates_at: None,
    })
}
