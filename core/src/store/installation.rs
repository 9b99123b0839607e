//! One row: it proves that every node holds the same server secret, and remembers what happens
//! once.

use super::{Reader, Tx, on, statements};
use crate::Error;
use countersign_types::Timestamp;

statements! {
    CLAIM = "INSERT INTO installation (id, secret_check, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
    CHECK = "SELECT secret_check FROM installation WHERE id = 1";
    HAS_NO_ADMIN = "SELECT first_admin_at IS NULL FROM installation WHERE id = 1";
    LOCK = "UPDATE installation SET created_at = created_at WHERE id = 1";
    FIRST_ADMIN = "UPDATE installation SET first_admin_at = $1 WHERE id = 1 AND first_admin_at IS NULL";
}

impl Reader {
    /// The check value of the secret that this database was set up with.
    pub async fn installation_check(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(CHECK).fetch_optional(c).await?))
    }

    /// Whether nobody has ever been an administrator.
    pub async fn installation_has_no_admin(&mut self) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(HAS_NO_ADMIN).fetch_one(c).await?))
    }
}

impl Tx {
    /// Locks the row until the transaction ends. What may change who is an administrator takes this
    /// first, before rows of users, so that two such changes wait for each other in one order.
    pub async fn installation_lock(&mut self) -> Result<(), Error> {
        on!(self, |c| sqlx::query(LOCK).execute(c).await.map(drop)?);
        Ok(())
    }

    /// Sets the check value, if there is none.
    pub async fn installation_claim(&mut self, check: &[u8], now: Timestamp) -> Result<(), Error> {
        on!(self, |c| sqlx::query(CLAIM).bind(check).bind(now).execute(c).await.map(drop)?);
        Ok(())
    }

    /// There is an administrator from now on. `false`: there has been one before.
    pub async fn installation_first_admin(&mut self, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(FIRST_ADMIN).bind(now).execute(c).await?.rows_affected()) == 1)
    }
}
