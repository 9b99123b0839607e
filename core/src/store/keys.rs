//! The keys that sign access tokens. Private parts are sealed before they come here.

use super::{Reader, Tx, on, statements};
use crate::Error;
use countersign_types::Timestamp;

/// A signing key as it is stored. (No `Debug`: a shared secret has nothing that is public.)
#[derive(Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct KeyRow {
    pub kid: String,
    pub algorithm: String,
    pub state: String,
    pub public: String,
    pub sealed: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub signs_at: Option<Timestamp>,
}

statements! {
    ALL_IN_USE = "SELECT kid, algorithm, state, public, sealed, created_at, changed_at, signs_at FROM signing_keys WHERE state <> 'gone' ORDER BY created_at, kid";
    INSERT = "INSERT INTO signing_keys (kid, algorithm, state, public, sealed, created_at, changed_at, signs_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    SCHEDULE = "UPDATE signing_keys SET signs_at = $2 WHERE kid = $1 AND state = 'published'";
    UNSCHEDULE_OTHERS = "UPDATE signing_keys SET signs_at = NULL WHERE kid <> $1 AND state = 'published'";
    RETIRE = "UPDATE signing_keys SET state = 'retired', changed_at = $1 WHERE state = 'signing' AND EXISTS (SELECT 1 FROM signing_keys p WHERE p.state = 'published' AND p.signs_at <= $1)";
    TAKE_OVER = "UPDATE signing_keys SET state = 'signing', changed_at = $1, signs_at = NULL WHERE kid = (SELECT p.kid FROM signing_keys p WHERE p.state = 'published' AND p.signs_at <= $1 ORDER BY p.signs_at, p.kid LIMIT 1) AND state = 'published'";
    FORGET = "UPDATE signing_keys SET state = 'gone', changed_at = $2, sealed = NULL WHERE state = 'retired' AND changed_at <= $1";
    REMOVE = "UPDATE signing_keys SET state = 'gone', changed_at = $2, signs_at = NULL, sealed = NULL WHERE kid = $1 AND state <> 'gone'";
    PROMOTE = "UPDATE signing_keys SET state = 'signing', changed_at = $1, signs_at = NULL WHERE kid = (SELECT p.kid FROM signing_keys p WHERE p.state = 'published' ORDER BY p.created_at, p.kid LIMIT 1) AND state = 'published' AND NOT EXISTS (SELECT 1 FROM signing_keys s WHERE s.state = 'signing')";
}

impl Reader {
    /// Every key that signs, may soon sign, or may have signed a token that is still alive; the
    /// oldest first.
    pub async fn key_list(&mut self) -> Result<Vec<KeyRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(ALL_IN_USE).fetch_all(c).await?))
    }
}

impl Tx {
    /// A new key. `false`: it is there already, or it was to sign and another one does.
    pub async fn key_insert(&mut self, key: &KeyRow) -> Result<bool, Error> {
        let done = on!(self, |c| sqlx::query(INSERT)
            .bind(&key.kid)
            .bind(&key.algorithm)
            .bind(&key.state)
            .bind(&key.public)
            .bind(&key.sealed)
            .bind(key.created_at)
            .bind(key.changed_at)
            .bind(key.signs_at)
            .execute(c)
            .await?
            .rows_affected());
        Ok(done == 1)
    }

    /// The published key `kid`, and no other, is to sign from `at`. `false`: it is not published
    /// any more.
    pub async fn key_schedule(&mut self, kid: &str, at: Timestamp) -> Result<bool, Error> {
        on!(self, |c| sqlx::query(UNSCHEDULE_OTHERS).bind(kid).execute(c).await.map(drop)?);
        Ok(on!(self, |c| sqlx::query(SCHEDULE)
            .bind(kid)
            .bind(at)
            .execute(c)
            .await?
            .rows_affected())
            == 1)
    }

    /// The key whose time has come takes the place of the one that signs. `false`: none has, or
    /// another node was quicker.
    pub async fn key_take_over(&mut self, now: Timestamp) -> Result<bool, Error> {
        if on!(self, |c| sqlx::query(RETIRE).bind(now).execute(c).await?.rows_affected()) == 0 {
            return Ok(false);
        }
        // Removed in this very moment: what was retired is taken back, and the next round looks
        // again.
        let taken =
            on!(self, |c| sqlx::query(TAKE_OVER).bind(now).execute(c).await?.rows_affected());
        if taken == 1 { Ok(true) } else { Err(Error::Busy { retry_after: 1 }) }
    }

    /// Keys that were retired at `before` or earlier are gone. Returns how many.
    pub async fn key_forget(&mut self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        Ok(on!(self, |c| sqlx::query(FORGET)
            .bind(before)
            .bind(now)
            .execute(c)
            .await?
            .rows_affected()))
    }

    /// A key is gone at once. `false`: there is none of this name.
    pub async fn key_remove(&mut self, kid: &str, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(REMOVE).bind(kid).bind(now).execute(c).await?.rows_affected())
            == 1)
    }

    /// Where no key signs, the one that has been published longest does. `false`: one signs, or
    /// none is published.
    pub async fn key_promote(&mut self, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(PROMOTE).bind(now).execute(c).await?.rows_affected()) == 1)
    }
}
