//! The sessions: one row for each signed-in browser or program. The row is the truth; tokens are
//! copies of it.

use super::{Reader, Tx, limit, on, statements};
use crate::Error;
use countersign_types::{SessionId, Span, Timestamp, UserId};

/// A session as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub counter: i64,
    pub oldest_generation: i64,
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
    pub stolen_at: Option<Timestamp>,
}

impl Session {
    /// Neither revoked nor over at `now`.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none()
            && now < self.expires_at
            && now < self.last_seen_at + self.idle_limit
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
    pub delete_at: Option<Timestamp>,
}

statements! {
    INSERT = "INSERT INTO sessions (id, user_id, counter, rotated_at, previous_rotated_at, confirmed, persistent, amr, auth_time, device, address, created_at, last_seen_at, idle_limit, expires_at, stolen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    WITH_USER = "SELECT s.id, s.user_id, s.counter, s.oldest_generation, s.rotated_at, s.previous_rotated_at, s.confirmed, s.persistent, s.amr, s.auth_time, s.device, s.address, s.created_at, s.last_seen_at, s.idle_limit, s.expires_at, s.revoked_at, s.stolen_at, u.email, u.email_verified_at, u.name, u.roles, u.epoch, u.disabled_at, u.created_at AS user_created_at, u.delete_at FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1";
    STEP = "UPDATE sessions SET counter = counter + 1, previous_rotated_at = rotated_at, rotated_at = $3, last_seen_at = $3, confirmed = CASE WHEN confirmed < $2 THEN $2 ELSE confirmed END WHERE id = $1 AND counter = $2 AND revoked_at IS NULL";
    REISSUE = "UPDATE sessions SET rotated_at = $3, last_seen_at = $3 WHERE id = $1 AND counter = $2 AND confirmed < $2 AND revoked_at IS NULL";
    RESTART = "UPDATE sessions SET counter = counter + 1, oldest_generation = counter + 1, previous_rotated_at = rotated_at, rotated_at = $2, last_seen_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    REVOKE = "UPDATE sessions SET revoked_at = $2, revoked_for = $3 WHERE id = $1 AND revoked_at IS NULL RETURNING user_id";
    REVOKE_OWN = "UPDATE sessions SET revoked_at = $3, revoked_for = $4 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit > $3 RETURNING id";
    REVOKE_OTHERS = "UPDATE sessions SET revoked_at = $3, revoked_for = $4 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL RETURNING id";
    END_EXPIRED = "UPDATE sessions SET revoked_for = 'expired', revoked_at = CASE WHEN last_seen_at + idle_limit < expires_at THEN last_seen_at + idle_limit ELSE expires_at END WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at < $2 OR last_seen_at + idle_limit < $2)";
    USE = "SELECT id, created_at, last_seen_at FROM sessions WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit > $3";
    LIST = "SELECT id, device, address, created_at, last_seen_at FROM sessions WHERE user_id = $1 AND id < $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit > $3 ORDER BY id DESC LIMIT $4";
    HELD = "SELECT id, device, address, created_at, last_seen_at, expires_at, revoked_at FROM sessions WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    STOLEN_SINCE = "SELECT MAX(revoked_at) FROM sessions WHERE user_id = $1 AND revoked_for = 'token_reused' AND revoked_at >= $2";
    DISMISS_NOTICE = "UPDATE sessions SET stolen_at = NULL WHERE id = $1";
    PRUNE_REVOKED = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NOT NULL AND revoked_at < $1 LIMIT $2)";
    PRUNE_EXPIRED = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NULL AND expires_at < $1 LIMIT $2)";
    PRUNE_IDLE = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NULL AND last_seen_at + idle_limit < $1 LIMIT $2)";
    FORGET_REVOKED = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NOT NULL LIMIT $2)";
    SEEN = "UPDATE sessions SET confirmed = CASE WHEN confirmed < $2 THEN $2 ELSE confirmed END, last_seen_at = CASE WHEN last_seen_at < $3 THEN $3 ELSE last_seen_at END WHERE id = $1 AND revoked_at IS NULL";
}

/// A session that is alive, as its owner may see it.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct SessionRow {
    pub id: SessionId,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

/// A session, alive or not, as its owner may see it.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct HeldRow {
    pub id: SessionId,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl Reader {
    /// The sessions of a user that are stored, active or not, and began before `before`, the newest
    /// first.
    pub async fn session_held(
        &mut self,
        user: UserId,
        before: SessionId,
        limit: i64,
    ) -> Result<Vec<HeldRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(HELD)
            .bind(user)
            .bind(before)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// A user's living sessions that were opened before `before`, the newest first.
    pub async fn session_list(
        &mut self,
        user: UserId,
        before: SessionId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<SessionRow>, Error> {
        Ok(on!(self, |c| sqlx::query_as(LIST)
            .bind(user)
            .bind(before)
            .bind(now)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// The session, with its user, in one statement: roles and epoch vouch for each other only when
    /// they were read together.
    pub async fn session_with_user(
        &mut self,
        id: SessionId,
    ) -> Result<Option<SessionOfUser>, Error> {
        Ok(on!(self, |c| sqlx::query_as(WITH_USER).bind(id).fetch_optional(c).await?))
    }
}

/// When a session was opened, and when it was used last as far as that is written.
#[derive(Clone, Debug, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct Use {
    pub id: SessionId,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

/// Why a session was ended: its refresh token was used by two.
pub(crate) const STOLEN: &str = "token_reused";

impl Reader {
    /// When a session of this user was last ended as stolen, if that was not before `since`.
    pub async fn session_stolen_since(
        &mut self,
        user: UserId,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(STOLEN_SINCE)
            .bind(user)
            .bind(since)
            .fetch_one(c)
            .await?))
    }
}

impl Tx {
    /// A new session.
    pub async fn session_insert(&mut self, session: &Session) -> Result<(), Error> {
        let s = session;
        on!(self, |c| sqlx::query(INSERT)
            .bind(s.id)
            .bind(s.user_id)
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
            .bind(s.stolen_at)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Goes from generation `from`, which was shown for it, to the next. `false`: somebody else
    /// has, or the session is over; look again.
    pub async fn session_step(
        &mut self,
        id: SessionId,
        from: i64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(STEP)
            .bind(id)
            .bind(from)
            .bind(now)
            .execute(c)
            .await?
            .rows_affected())
            == 1)
    }

    /// Gives generation `counter` once more, which nobody has shown yet. `false`: somebody has, or
    /// the session is over; look again.
    pub async fn session_reissue(
        &mut self,
        id: SessionId,
        counter: i64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(REISSUE)
            .bind(id)
            .bind(counter)
            .bind(now)
            .execute(c)
            .await?
            .rows_affected())
            == 1)
    }

    /// Goes to a new generation, before which none is accepted any more. `false`: the session is
    /// over.
    pub async fn session_restart(&mut self, id: SessionId, now: Timestamp) -> Result<bool, Error> {
        Ok(on!(self, |c| sqlx::query(RESTART).bind(id).bind(now).execute(c).await?.rows_affected())
            == 1)
    }

    /// Ends a session. `None`: it was over already.
    pub async fn session_revoke(
        &mut self,
        id: SessionId,
        why: &str,
        now: Timestamp,
    ) -> Result<Option<UserId>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(REVOKE)
            .bind(id)
            .bind(now)
            .bind(why)
            .fetch_optional(c)
            .await?))
    }

    /// Ends one living session of this user. `false`: they have no such one.
    pub async fn session_revoke_own(
        &mut self,
        id: SessionId,
        user: UserId,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ended: Option<SessionId> = on!(self, |c| sqlx::query_scalar(REVOKE_OWN)
            .bind(id)
            .bind(user)
            .bind(now)
            .bind(why)
            .fetch_optional(c)
            .await?);
        Ok(ended.is_some())
    }

    /// The owner of this session has seen that another one was ended as stolen.
    pub async fn session_dismiss_notice(&mut self, id: SessionId) -> Result<(), Error> {
        on!(self, |c| sqlx::query(DISMISS_NOTICE).bind(id).execute(c).await.map(drop)?);
        Ok(())
    }

    /// Ends all sessions of a user but one. Returns those that it ended.
    pub async fn session_revoke_others(
        &mut self,
        user: UserId,
        but: SessionId,
        why: &str,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        Ok(on!(self, |c| sqlx::query_scalar(REVOKE_OTHERS)
            .bind(user)
            .bind(but)
            .bind(now)
            .bind(why)
            .fetch_all(c)
            .await?))
    }

    /// Marks sessions of a user that expired before `before` as ended, so that the index of those
    /// that are not stays small. Whoever expired later may still have done so by a clock that
    /// is ahead.
    pub async fn session_end_expired(
        &mut self,
        user: UserId,
        before: Timestamp,
    ) -> Result<(), Error> {
        on!(self, |c| sqlx::query(END_EXPIRED)
            .bind(user)
            .bind(before)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// The living sessions of a user but one, and when they were used last as far as that is
    /// written.
    pub async fn session_use(
        &mut self,
        user: UserId,
        but: SessionId,
        now: Timestamp,
    ) -> Result<Vec<Use>, Error> {
        Ok(on!(self, |c| sqlx::query_as(USE).bind(user).bind(but).bind(now).fetch_all(c).await?))
    }

    /// Forgets sessions that were over before `before`: at most `rows` of each way to end. Returns
    /// how many.
    pub async fn session_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        let mut pruned = 0;
        for statement in [PRUNE_REVOKED, PRUNE_EXPIRED, PRUNE_IDLE] {
            pruned += on!(self, |c| sqlx::query(statement)
                .bind(before)
                .bind(limit(rows))
                .execute(c)
                .await?
                .rows_affected());
        }
        Ok(pruned)
    }

    /// Forgets sessions of one user that were revoked: at most `rows`. Returns how many.
    pub async fn session_forget_revoked(&mut self, user: UserId, rows: u64) -> Result<u64, Error> {
        Ok(on!(self, |c| sqlx::query(FORGET_REVOKED)
            .bind(user)
            .bind(limit(rows))
            .execute(c)
            .await?
            .rows_affected()))
    }

    /// Generation `confirmed` has arrived, and the session was in use at `at`.
    pub async fn session_seen(
        &mut self,
        id: SessionId,
        confirmed: i64,
        at: Timestamp,
    ) -> Result<(), Error> {
        on!(self, |c| sqlx::query(SEEN)
            .bind(id)
            .bind(confirmed)
            .bind(at)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }
}

#[cfg(any(test, feature = "testing"))]
impl Tx {
    /// For tests of what somebody can do who writes to the database: makes a session one of another
    /// user.
    pub async fn session_set_user(&mut self, id: SessionId, user: UserId) -> Result<(), Error> {
        on!(self, |c| sqlx::query("UPDATE sessions SET user_id = $2 WHERE id = $1")
            .bind(id)
            .bind(user)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }
}
