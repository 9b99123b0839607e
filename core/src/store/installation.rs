//! The single row of the installation: it ensures that all nodes have the same server secret, and
//! records one-time events.

use crate::{
    Error,
    store::{ReadConnection, WriteTransaction, execute, statements, with_connection},
};
use countersign_types::Timestamp;

statements! {
    BIND_SECRET = "INSERT INTO csgn_installation (id, secret_fingerprint, created_at) VALUES (1, \
        $1, $2) ON CONFLICT (id) DO NOTHING";
    SECRET_FINGERPRINT = "SELECT secret_fingerprint FROM csgn_installation WHERE id = 1";
    HAS_NO_ADMIN = "SELECT first_admin_at IS NULL FROM csgn_installation WHERE id = 1";
    LOCK = "UPDATE csgn_installation SET created_at = created_at WHERE id = 1";
    CLAIM_FIRST_ADMIN = "UPDATE csgn_installation SET first_admin_at = $1 WHERE id = 1 AND \
        first_admin_at IS NULL";
}

impl ReadConnection {
    /// Returns the fingerprint of the secret that this database belongs to.
    pub async fn installation_secret_fingerprint(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(SECRET_FINGERPRINT)
            .fetch_optional(c)
            .await?))
    }

    /// Whether there has never been an administrator.
    pub async fn installation_has_no_admin(&mut self) -> Result<bool, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(HAS_NO_ADMIN).fetch_one(c).await?))
    }
}

impl WriteTransaction {
    /// Locks the row until the transaction ends. Changes of administrators take this lock before
    /// rows of users, so that they are serialized without deadlocks.
    pub async fn installation_lock(&mut self) -> Result<(), Error> {
        execute!(self, LOCK);
        Ok(())
    }

    /// Sets the fingerprint, if there is none.
    pub async fn installation_bind_secret(
        &mut self,
        check: &[u8],
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, BIND_SECRET, check, now);
        Ok(())
    }

    /// Records the first administrator. Returns `false` if there has been one before.
    pub async fn installation_claim_first_admin(&mut self, now: Timestamp) -> Result<bool, Error> {
        Ok(execute!(self, CLAIM_FIRST_ADMIN, now) == 1)
    }
}
