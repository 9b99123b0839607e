//! The lifecycle of signing keys: publish, rotate, retire, remove. Other nodes follow through the
//! change feed, without a restart.

use crate::{
    Auth, Error, RandomSource, ServerSecret, StartError, Store, keys,
    keys::{
        Algorithm, InvalidKey, KeyState, PRE_PUBLISH_PERIOD, PrivateKey, RETIREMENT_PERIOD,
        store::KeyRow,
    },
    policy::MAX_ACCESS_TOKEN_TTL,
    store::{WriteTransaction, change_feed::Change},
};
use countersign_types::Timestamp;

/// A key as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key identifier.
    pub kid: String,
    /// The algorithm.
    pub algorithm: String,
    /// `published`, `signing` or `retired`.
    pub state: String,
    /// The time of creation or import.
    pub created_at: Timestamp,
    /// The time of the last change of state.
    pub since: Timestamp,
    /// The time when it becomes the signing key, if that is scheduled.
    pub activates_at: Option<Timestamp>,
}

/// The reason why an operation on a key failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key is not acceptable.
    #[error("the key {0}")]
    InvalidKey(InvalidKey),
    /// The key exists already, or was removed before.
    #[error("the key {0} exists already or was removed")]
    Known(String),
    /// There is no such key.
    #[error("there is no key {0}: run `countersign keys list`")]
    Unknown(String),
    /// The key is the signing key already, or was retired.
    #[error("the key {kid} is {state}: only a published key can become the signing key")]
    NotPublished {
        /// The key identifier.
        kid: String,
        /// The state of the key.
        state: String,
    },
    /// Any other error.
    #[error(transparent)]
    Other(#[from] Error),
}

/// Administration of the signing keys in a database, with or without a running server.
pub struct KeyAdmin<'a> {
    store: &'a Store,
    secret: &'a ServerSecret,
    random: &'a RandomSource,
}

impl<'a> KeyAdmin<'a> {
    /// Opens the keys without a server. It checks the secret, because a key that is sealed with
    /// another one would stop all servers.
    pub async fn open(
        store: &'a Store,
        secret: &'a ServerSecret,
        random: &'a RandomSource,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        crate::countersign::bind_server_secret(store, secret, now).await?;
        Ok(Self { store, secret, random })
    }

    /// Returns all keys that are not removed, oldest first.
    pub async fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        Ok(self.store.read().await?.key_list().await?.into_iter().map(KeyInfo::from).collect())
    }

    /// Publishes a new key. It signs nothing until [`KeyAdmin::rotate`] chooses it.
    pub async fn add(&self, algorithm: Algorithm, now: Timestamp) -> Result<String, KeyError> {
        self.publish(PrivateKey::generate(algorithm, self.random)?, now).await
    }

    /// Publishes a key from outside: PEM or JWK.
    pub async fn import(&self, text: &str, now: Timestamp) -> Result<String, KeyError> {
        self.publish(keys::import_key(text)?, now).await
    }

    async fn publish(&self, private: PrivateKey, now: Timestamp) -> Result<String, KeyError> {
        let row = self.row(&private, KeyState::Published, now)?;
        let mut tx = self.store.write().await?;
        if !tx.key_insert(&row).await? {
            return Err(KeyError::Known(row.kid));
        }
        publish_change(tx, now).await?;
        Ok(row.kid)
    }

    /// Schedules the next signing key for when all cached key sets contain it: `next`, or a new key
    /// with the algorithm of the current one. Returns its identifier and the time.
    pub async fn rotate(
        &self,
        next: Option<&str>,
        now: Timestamp,
    ) -> Result<(String, Timestamp), KeyError> {
        let rows = self.store.read().await?.key_list().await?;
        let (kid, published_at) = if let Some(kid) = next {
            let row = rows
                .iter()
                .find(|row| row.kid == kid)
                .ok_or_else(|| KeyError::Unknown(kid.to_owned()))?;
            if row.state != KeyState::Published.as_str() {
                return Err(KeyError::NotPublished {
                    kid: kid.to_owned(),
                    state: row.state.clone(),
                });
            }
            (kid.to_owned(), row.changed_at)
        } else {
            (self.add(signing_algorithm(&rows), now).await?, now)
        };
        let at = (published_at + PRE_PUBLISH_PERIOD).max(now);
        let mut tx = self.store.write().await?;
        if !tx.key_schedule(&kid, at).await? {
            return Err(KeyError::Unknown(kid));
        }
        publish_change(tx, now).await?;
        Ok((kid, at))
    }

    /// Removes a key at once: nothing that it signed is accepted once a node has read the feed. If
    /// it was the signing key, the key that has been published longest replaces it, or a new one.
    /// Sessions stay active: their next refresh uses the new key.
    pub async fn remove(&self, kid: &str, now: Timestamp) -> Result<(), KeyError> {
        let rows = self.store.read().await?.key_list().await?;
        // Generated before the transaction, which must be short; discarded if not needed.
        let spare = self.row(
            &PrivateKey::generate(signing_algorithm(&rows), self.random)?,
            KeyState::Signing,
            now,
        )?;
        let mut tx = self.store.write().await?;
        if !tx.key_remove(kid, now).await? {
            return Err(KeyError::Unknown(kid.to_owned()));
        }
        if !tx.key_activate(now).await? {
            // The unique index rejects it if another key signs.
            tx.key_insert(&spare).await?;
        }
        publish_change(tx, now).await?;
        Ok(())
    }

    fn row(&self, private: &PrivateKey, state: KeyState, now: Timestamp) -> Result<KeyRow, Error> {
        keys::row(private, state, self.secret, self.random, now)
    }
}

impl Auth {
    /// Returns the administration of the signing keys.
    #[must_use]
    pub fn key_admin(&self) -> KeyAdmin<'_> {
        KeyAdmin { store: self.store(), secret: self.secret(), random: self.random() }
    }

    /// Activates the scheduled key, retires the one before it, and removes retired ones, when due.
    /// The first node does it for all.
    pub(crate) async fn advance_key_rotation(&self, now: Timestamp) -> Result<(), Error> {
        if !self.keys().rotation_is_due(now) {
            return Ok(());
        }
        let mut tx = self.store().write().await?;
        let took_over = tx.key_activate_scheduled(now).await?;
        let forgotten = tx.key_delete_retired(now - RETIREMENT_PERIOD, now).await?;
        if took_over || forgotten > 0 {
            publish_change(tx, now).await?;
        }
        // This node does not wait for the feed. Another node may have made the change.
        self.reload_keys().await
    }

    pub(crate) async fn reload_keys(&self) -> Result<(), Error> {
        self.keys().load(self.store(), self.secret(), self.random(), self.clock().now()).await
    }
}

/// Announces changed keys to all nodes, and commits.
async fn publish_change(mut tx: WriteTransaction, now: Timestamp) -> Result<(), Error> {
    tx.feed_append(&[Change::KeysChanged], now + MAX_ACCESS_TOKEN_TTL).await?;
    tx.commit().await
}

fn signing_algorithm(rows: &[KeyRow]) -> Algorithm {
    let signing = rows.iter().find(|row| row.state == KeyState::Signing.as_str());
    signing.and_then(|row| row.algorithm.parse().ok()).unwrap_or(Algorithm::Es256)
}

impl From<InvalidKey> for KeyError {
    fn from(invalid: InvalidKey) -> Self {
        Self::InvalidKey(invalid)
    }
}

impl From<KeyRow> for KeyInfo {
    fn from(row: KeyRow) -> Self {
        let KeyRow { kid, algorithm, state, created_at, changed_at: since, activates_at, .. } = row;
        Self { kid, algorithm, state, created_at, since, activates_at }
    }
}
