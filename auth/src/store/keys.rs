//! The keys that sign access tokens. Private parts are sealed before they come here.

use super::{Reader, Tx, on, statements};
use crate::Error;
use contract::Timestamp;

/// A signing key as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct KeyRow {
    pub kid: String,
    pub algorithm: String,
    pub state: String,
    pub public: String,
    pub sealed: Option<Vec<u8>>,
    pub created_at: Timestamp,
}

statements! {
    ALL_IN_USE = "SELECT kid, algorithm, state, public, sealed, created_at FROM signing_keys WHERE state <> 'gone' ORDER BY created_at, kid";
    INSERT_SIGNING = "INSERT INTO signing_keys (kid, algorithm, state, public, sealed, created_at, changed_at) VALUES ($1, $2, 'signing', $3, $4, $5, $5) ON CONFLICT DO NOTHING";
}

impl Reader {
    /// Every key that signs, may soon sign, or may have signed a token that is still alive; the oldest first.
    pub async fn key_list(&mut self) -> Result<Vec<KeyRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(ALL_IN_USE).fetch_all(c).await?))
    }
}

impl Tx {
    /// The first key. `false`: another node was quicker, and its key is the one.
    pub async fn key_insert_signing(&mut self, key: &KeyRow) -> Result<bool, Error> {
        let done = on!(self, |c| sqlx::query(INSERT_SIGNING)
            .bind(&key.kid)
            .bind(&key.algorithm)
            .bind(&key.public)
            .bind(&key.sealed)
            .bind(key.created_at)
            .execute(c)
            .await?
            .rows_affected());
        Ok(done == 1)
    }
}
