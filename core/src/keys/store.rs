//! The signing keys of access tokens. Private parts are sealed.

use crate::{
    Error,
    store::{ReadConnection, WriteTransaction, execute, from_row, statements, with_connection},
};
use countersign_types::Timestamp;

/// A row of the table. It has no `Debug`, because a shared secret has no public part.
#[derive(Clone)]
pub struct KeyRow {
    pub kid: String,
    pub algorithm: String,
    pub state: String,
    pub public: String,
    pub sealed: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub activates_at: Option<Timestamp>,
}

from_row!(KeyRow { kid, algorithm, state, public, sealed, created_at, changed_at, activates_at });

statements! {
    ALL_IN_USE = "SELECT kid, algorithm, state, public, sealed, created_at, changed_at, \
        activates_at FROM csgn_signing_keys WHERE state <> 'gone' ORDER BY created_at, kid";
    INSERT = "INSERT INTO csgn_signing_keys (kid, algorithm, state, public, sealed, created_at, \
        changed_at, activates_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    SCHEDULE = "UPDATE csgn_signing_keys SET activates_at = $2 WHERE kid = $1 AND state = \
        'published'";
    UNSCHEDULE_OTHERS = "UPDATE csgn_signing_keys SET activates_at = NULL WHERE kid <> $1 AND \
        state = 'published'";
    RETIRE = "UPDATE csgn_signing_keys SET state = 'retired', changed_at = $1 WHERE state = \
        'signing' AND EXISTS (SELECT 1 FROM csgn_signing_keys p WHERE p.state = 'published' AND \
        p.activates_at <= $1)";
    ACTIVATE_SCHEDULED = "UPDATE csgn_signing_keys SET state = 'signing', changed_at = $1, \
        activates_at = NULL WHERE kid = (SELECT p.kid FROM csgn_signing_keys p WHERE p.state = \
        'published' AND p.activates_at <= $1 ORDER BY p.activates_at, p.kid LIMIT 1) AND state = \
        'published'";
    DELETE_RETIRED = "UPDATE csgn_signing_keys SET state = 'gone', changed_at = $2, sealed = NULL \
        WHERE state = 'retired' AND changed_at <= $1";
    REMOVE = "UPDATE csgn_signing_keys SET state = 'gone', changed_at = $2, activates_at = NULL, \
        sealed = NULL WHERE kid = $1 AND state <> 'gone'";
    ACTIVATE = "UPDATE csgn_signing_keys SET state = 'signing', changed_at = $1, activates_at = \
        NULL WHERE kid = (SELECT p.kid FROM csgn_signing_keys p WHERE p.state = 'published' ORDER \
        BY p.created_at, p.kid LIMIT 1) AND state = 'published' AND NOT EXISTS (SELECT 1 FROM \
        csgn_signing_keys s WHERE s.state = 'signing')";
}

impl ReadConnection {
    /// Returns every key that signs, may sign soon, or may have signed a token that is still valid;
    /// oldest first.
    pub async fn key_list(&mut self) -> Result<Vec<KeyRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(ALL_IN_USE).fetch_all(c).await?))
    }
}

impl WriteTransaction {
    /// Inserts a key. Returns `false` if it exists, or if it is to sign and another one does.
    pub async fn key_insert(&mut self, key: &KeyRow) -> Result<bool, Error> {
        let done = execute!(
            self,
            INSERT,
            &key.kid,
            &key.algorithm,
            &key.state,
            &key.public,
            &key.sealed,
            key.created_at,
            key.changed_at,
            key.activates_at
        );
        Ok(done == 1)
    }

    /// Schedules the published key `kid`, and no other, to sign from `at`. Returns `false` if it is
    /// not published.
    pub async fn key_schedule(&mut self, kid: &str, at: Timestamp) -> Result<bool, Error> {
        execute!(self, UNSCHEDULE_OTHERS, kid);
        Ok(execute!(self, SCHEDULE, kid, at) == 1)
    }

    /// Activates the scheduled key and retires the current one, when due. Returns `false` if none
    /// is due, or another node was faster.
    pub async fn key_activate_scheduled(&mut self, now: Timestamp) -> Result<bool, Error> {
        if execute!(self, RETIRE, now) == 0 {
            return Ok(false);
        }
        // The key was removed concurrently. The error rolls the retirement back, and the next round
        // tries again.
        let taken = execute!(self, ACTIVATE_SCHEDULED, now);
        if taken == 1 { Ok(true) } else { Err(Error::Overloaded { retry_after: 1 }) }
    }

    /// Removes keys that were retired at `before` or earlier. Returns the number.
    pub async fn key_delete_retired(
        &mut self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, Error> {
        Ok(execute!(self, DELETE_RETIRED, before, now))
    }

    /// Removes a key at once. Returns `false` if there is none.
    pub async fn key_remove(&mut self, kid: &str, now: Timestamp) -> Result<bool, Error> {
        Ok(execute!(self, REMOVE, kid, now) == 1)
    }

    /// If no key signs, activates the one that has been published longest. Returns `false` if one
    /// signs, or none is published.
    pub async fn key_activate(&mut self, now: Timestamp) -> Result<bool, Error> {
        Ok(execute!(self, ACTIVATE, now) == 1)
    }
}
