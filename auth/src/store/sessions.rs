//! The sessions: one row for each signed-in browser or program. The row is the truth; tokens are copies of it.

use super::{Reader, Tx, on, statements};
use crate::Error;
use contract::{SessionId, Span, Timestamp, UserId};

/// A session as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub key_id: i64,
    pub counter: i64,
    pub rotated_at: Timestamp,
    pub previous_rotated_at: Timestamp,
    pub confirmed: i64,
    pub persistent: bool,
    pub amr: String,
    pub auth_time: Timestamp,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub idle_limit: Span,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// Neither revoked nor over at `now`.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at && now < self.last_seen_at + self.idle_limit
    }
}

/// A session with what its user's row says at the same moment.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct SessionOfUser {
    #[sqlx(flatten)]
    pub session: Session,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub name: Option<String>,
    pub roles: String,
    pub epoch: i64,
    pub disabled_at: Option<Timestamp>,
    pub user_created_at: Timestamp,
}

statements! {
    INSERT = "INSERT INTO sessions (id, user_id, key_id, counter, rotated_at, previous_rotated_at, confirmed, persistent, amr, auth_time, device, address, created_at, last_seen_at, idle_limit, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    WITH_USER = "SELECT s.id, s.user_id, s.key_id, s.counter, s.rotated_at, s.previous_rotated_at, s.confirmed, s.persistent, s.amr, s.auth_time, s.device, s.address, s.created_at, s.last_seen_at, s.idle_limit, s.expires_at, s.revoked_at, u.email, u.email_verified_at, u.name, u.roles, u.epoch, u.disabled_at, u.created_at AS user_created_at FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1";
    STEP = "UPDATE sessions SET counter = counter + 1, previous_rotated_at = rotated_at, rotated_at = $3, last_seen_at = $3, confirmed = CASE WHEN confirmed < $2 THEN $2 ELSE confirmed END WHERE id = $1 AND counter = $2 AND revoked_at IS NULL";
    REISSUE = "UPDATE sessions SET rotated_at = $3, last_seen_at = $3 WHERE id = $1 AND counter = $2 AND confirmed < $2 AND revoked_at IS NULL";
    REVOKE = "UPDATE sessions SET revoked_at = $2, revoked_for = $3 WHERE id = $1 AND revoked_at IS NULL RETURNING user_id";
    SEEN = "UPDATE sessions SET confirmed = CASE WHEN confirmed < $2 THEN $2 ELSE confirmed END, last_seen_at = CASE WHEN last_seen_at < $3 THEN $3 ELSE last_seen_at END WHERE id = $1 AND revoked_at IS NULL";
}

impl Reader {
    /// The session, with its user, in one statement: roles and epoch vouch for each other only when they were read together.
    pub async fn session_with_user(&mut self, id: SessionId) -> Result<Option<SessionOfUser>, Error> {
        Ok(on!(self, |c| sqlx::query_as(WITH_USER).bind(id).fetch_optional(c).await?))
    }
}

impl Tx {
    /// A new session.
    pub async fn session_insert(&mut self, session: &Session) -> Result<(), Error> {
        let s = session;
        on!(self, |c| sqlx::query(INSERT)
            .bind(s.id)
            .bind(s.user_id)
            .bind(s.key_id)
            .bind(s.counter)
            .bind(s.rotated_at)
            .bind(s.previous_rotated_at)
            .bind(s.confirmed)
            .bind(s.persistent)
            .bind(&s.amr)
            .bind(s.auth_time)
            .bind(&s.device)
            .bind(&s.address)
            .bind(s.created_at)
            .bind(s.last_seen_at)
            .bind(s.idle_limit)
            .bind(s.expires_at)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Goes from generation `from`, which was shown for it, to the next. `false`: somebody else has, or the session is over; look again.
    pub async fn session_step(&mut self, id: SessionId, from: i64, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(STEP).bind(id).bind(from).bind(now).execute(c).await?.rows_affected()) == 1)
    }

    /// Gives generation `counter` once more, which nobody has shown yet. `false`: somebody has, or the session is over; look again.
    pub async fn session_reissue(&mut self, id: SessionId, counter: i64, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(REISSUE).bind(id).bind(counter).bind(now).execute(c).await?.rows_affected()) == 1)
    }

    /// Ends a session. `None`: it was over already.
    pub async fn session_revoke(&mut self, id: SessionId, why: &str, now: Timestamp) -> Result<Option<UserId>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(REVOKE).bind(id).bind(now).bind(why).fetch_optional(c).await?))
    }

    /// Generation `confirmed` has arrived, and the session was in use at `at`.
    pub async fn session_seen(&mut self, id: SessionId, confirmed: i64, at: Timestamp) -> Result<(), Error> {
        on!(self, |c| sqlx::query(SEEN).bind(id).bind(confirmed).bind(at).execute(c).await.map(drop)?);
        Ok(())
    }
}
