//! One row that proves that every node holds the same server secret.

use super::{Reader, Tx, on, statements};
use crate::Error;
use contract::Timestamp;

statements! {
    CLAIM = "INSERT INTO installation (id, secret_check, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
    CHECK = "SELECT secret_check FROM installation WHERE id = 1";
}

impl Reader {
    /// The check value of the secret that this database was set up with.
    pub async fn installation_check(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(CHECK).fetch_optional(c).await?))
    }
}

impl Tx {
    /// Sets the check value, if there is none.
    pub async fn installation_claim(&mut self, check: &[u8], now: Timestamp) -> Result<(), Error> {
        on!(self, |c| sqlx::query(CLAIM).bind(check).bind(now).execute(c).await.map(drop)?);
        Ok(())
    }
}
