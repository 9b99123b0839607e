//! The life of the signing keys: publish, rotate, retire, remove. Other nodes follow through the
//! feed, so nothing is restarted.

use super::{Auth, StartError};
use crate::{
    Entropy, Error, ServerSecret, Store,
    keys::{self, Algorithm, KeyState, PUBLISHED_FOR, Private, RETIRED_FOR, Unfit},
    policy::LONGEST_ACCESS,
    store::{Tx, feed::News, keys::KeyRow},
};
use countersign_types::Timestamp;

/// A key, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Names it.
    pub kid: String,
    /// Its one algorithm.
    pub algorithm: String,
    /// `published`, `signing` or `retired`.
    pub state: String,
    /// When it was made or imported.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
    /// When it is to sign, where that is arranged.
    pub signs_at: Option<Timestamp>,
}

/// Why nothing was done to a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be taken.
    #[error("the key {0}")]
    Unfit(Unfit),
    /// It is there already, or was and is gone for good.
    #[error("the key {0} is known already")]
    Known(String),
    /// Nothing is known of it.
    #[error("there is no key {0}; `countersign keys list` shows those that there are")]
    Unknown(String),
    /// It signs already, or will never sign again.
    #[error("the key {kid} is {state}: only a published key can be next")]
    NotPublished {
        /// Which.
        kid: String,
        /// What it is.
        state: String,
    },
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// What works on the keys of a database, whether a server is running on it or not.
pub struct Keys<'a> {
    store: &'a Store,
    secret: &'a ServerSecret,
    entropy: &'a Entropy,
}

impl<'a> Keys<'a> {
    /// For a program that is no server. A key that is sealed with another secret than the servers'
    /// would stop them all, so that is looked at.
    pub async fn open(
        store: &'a Store,
        secret: &'a ServerSecret,
        entropy: &'a Entropy,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        super::claim(store, secret, now).await?;
        Ok(Self { store, secret, entropy })
    }

    /// All that are not gone, the oldest first.
    pub async fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        Ok(self.store.read().await?.key_list().await?.into_iter().map(KeyInfo::from).collect())
    }

    /// Publishes a new key. It signs nothing until [`Keys::rotate`] chooses it.
    pub async fn add(&self, algorithm: Algorithm, now: Timestamp) -> Result<String, KeyError> {
        self.publish(Private::generate(algorithm, self.entropy)?, now).await
    }

    /// Publishes a key that was made elsewhere: PEM or JWK.
    pub async fn import(&self, text: &str, now: Timestamp) -> Result<String, KeyError> {
        self.publish(keys::import(text)?, now).await
    }

    async fn publish(&self, private: Private, now: Timestamp) -> Result<String, KeyError> {
        let row = self.row(&private, KeyState::Published, now)?;
        let mut tx = self.store.write().await?;
        if !tx.key_insert(&row).await? {
            return Err(KeyError::Known(row.kid));
        }
        announce(tx, now).await?;
        Ok(row.kid)
    }

    /// Arranges that another key signs as soon as everybody can know it: `next`, or a new one of
    /// the algorithm of the one that signs now. Returns its name and the time.
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
        let at = (published_at + PUBLISHED_FOR).max(now);
        let mut tx = self.store.write().await?;
        if !tx.key_schedule(&kid, at).await? {
            return Err(KeyError::Unknown(kid));
        }
        announce(tx, now).await?;
        Ok((kid, at))
    }

    /// Emergency: nothing that this key signed is accepted any more, as soon as each node has heard
    /// of it. If it is the one that signs, the key that has been published longest takes its
    /// place at once, or a new one. Sessions go on: their next renewal is signed by that.
    pub async fn remove(&self, kid: &str, now: Timestamp) -> Result<(), KeyError> {
        let rows = self.store.read().await?.key_list().await?;
        // Made before the transaction, which must be short; thrown away where it is not needed.
        let spare = self.row(
            &Private::generate(signing_algorithm(&rows), self.entropy)?,
            KeyState::Signing,
            now,
        )?;
        let mut tx = self.store.write().await?;
        if !tx.key_remove(kid, now).await? {
            return Err(KeyError::Unknown(kid.to_owned()));
        }
        if !tx.key_promote(now).await? {
            // Refused by the index where a key signs.
            tx.key_insert(&spare).await?;
        }
        announce(tx, now).await?;
        Ok(())
    }

    fn row(&self, private: &Private, state: KeyState, now: Timestamp) -> Result<KeyRow, Error> {
        keys::row(private, state, self.secret, self.entropy, now)
    }
}

impl Auth {
    /// What can be done with the keys.
    #[must_use]
    pub fn keys(&self) -> Keys<'_> {
        Keys { store: &self.store, secret: &self.secret, entropy: &self.entropy }
    }

    /// Does what is due: the next key signs, the one before it retires, a retired one goes.
    /// Whichever node comes first does it for all.
    pub(super) async fn turn_keys(&self, now: Timestamp) -> Result<(), Error> {
        if !self.keys.change_is_due(now) {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let took_over = tx.key_take_over(now).await?;
        let forgotten = tx.key_forget(now - RETIRED_FOR, now).await?;
        if took_over || forgotten > 0 {
            announce(tx, now).await?;
        }
        // This node need not wait for the feed. (And another may have been quicker.)
        self.read_keys().await
    }

    pub(super) async fn read_keys(&self) -> Result<(), Error> {
        self.keys.load(&self.store, &self.secret, &self.entropy, self.clock.now()).await
    }
}

/// Every node reads the keys again.
async fn announce(mut tx: Tx, now: Timestamp) -> Result<(), Error> {
    tx.feed_append(&[News::KeysChanged], now + LONGEST_ACCESS).await?;
    tx.commit().await
}

fn signing_algorithm(rows: &[KeyRow]) -> Algorithm {
    let signing = rows.iter().find(|row| row.state == KeyState::Signing.as_str());
    signing.and_then(|row| row.algorithm.parse().ok()).unwrap_or(Algorithm::Es256)
}

impl From<Unfit> for KeyError {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<KeyRow> for KeyInfo {
    fn from(row: KeyRow) -> Self {
        let KeyRow { kid, algorithm, state, created_at, changed_at: since, signs_at, .. } = row;
        Self { kid, algorithm, state, created_at, since, signs_at }
    }
}
