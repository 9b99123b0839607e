//! The sessions: one row for each signed-in browser or program. The row is authoritative; tokens
//! are copies of it.

use crate::{
    Error,
    accounts::roles::Roles,
    one_time_links::LinkPurpose,
    sessions::refresh_token::ParsedRefreshToken,
    store::{
        DatabaseConnection, ReadConnection, WriteTransaction, execute, from_row, limit, statements,
        with_connection,
    },
};
use countersign_types::{SessionId, TimeSpan, Timestamp, UserId};

/// A row of the table.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct SessionRecord {
    pub id: SessionId,
    pub user_id: UserId,
    pub generation: i64,
    pub oldest_generation: i64,
    pub rotated_at: Timestamp,
    pub previous_rotated_at: Timestamp,
    pub confirmed_generation: i64,
    pub persistent: bool,
    pub amr: String,
    pub auth_time: Timestamp,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub idle_limit: TimeSpan,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub reuse_detected_at: Option<Timestamp>,
}

from_row!(SessionRecord {
    id,
    user_id,
    generation,
    oldest_generation,
    rotated_at,
    previous_rotated_at,
    confirmed_generation,
    persistent,
    amr,
    auth_time,
    device,
    address,
    created_at,
    last_seen_at,
    idle_limit,
    expires_at,
    revoked_at,
    reuse_detected_at
});

impl SessionRecord {
    /// Whether the session is neither revoked nor expired at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none()
            && now < self.expires_at
            && now < self.last_seen_at + self.idle_limit
    }
}

/// A session and its user's row, read at the same moment.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct SessionWithUser {
    pub session: SessionRecord,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub name: Option<String>,
    pub roles: Roles,
    pub epoch: i64,
    pub disabled_at: Option<Timestamp>,
    pub user_created_at: Timestamp,
    pub deletion_scheduled_at: Option<Timestamp>,
    pub verification_postponed_until: Option<Timestamp>,
    /// The new address that waits for its code.
    pub pending_email: Option<String>,
}

from_row!(SessionWithUser {
    ..session, email, email_verified_at, name, roles, epoch, disabled_at, user_created_at,
    deletion_scheduled_at, verification_postponed_until, pending_email,
});

/// The statement for sessions with their users, with a condition for the sessions.
macro_rules! with_user {
    ($condition:literal) => {
        concat!(
            "SELECT s.id, s.user_id, s.generation, s.oldest_generation, s.rotated_at, \
             s.previous_rotated_at, s.confirmed_generation, s.persistent, s.amr, s.auth_time, \
             s.device, s.address, s.created_at, s.last_seen_at, s.idle_limit, s.expires_at, \
             s.revoked_at, s.reuse_detected_at, u.email, u.email_verified_at, u.name, (SELECT \
             string_agg(role, ' ') FROM csgn_user_roles WHERE user_id = u.id) AS roles, u.epoch, \
             u.disabled_at, u.created_at AS user_created_at, u.deletion_scheduled_at, \
             s.verification_postponed_until, (SELECT email FROM csgn_one_time_links WHERE user_id \
             = u.id AND purpose = 'change_email' AND ended_at IS NULL AND (created_at > $1 OR \
             expires_at > $2) ORDER BY id DESC LIMIT 1) AS pending_email FROM csgn_sessions s \
             JOIN csgn_users u ON u.id = s.user_id WHERE ",
            $condition
        )
    };
}

/// The statement that rotates active sessions whose newest generation was presented. `ROTATE` has
/// the same conditions. `$locking` says what to do about locked rows, which only Postgres has.
macro_rules! rotate_group {
    ($locking:literal) => {
        concat!(
            "WITH presented (id, generation) AS (VALUES ($2, $3), ($4, $5), ($6, $7), ($8, $9), \
             ($10, $11), ($12, $13), ($14, $15), ($16, $17), ($18, $19), ($20, $21), ($22, $23), \
             ($24, $25), ($26, $27), ($28, $29), ($30, $31), ($32, $33), ($34, $35), ($36, $37), \
             ($38, $39), ($40, $41), ($42, $43), ($44, $45), ($46, $47), ($48, $49), ($50, $51), \
             ($52, $53), ($54, $55), ($56, $57), ($58, $59), ($60, $61), ($62, $63), ($64, $65)), \
             current AS (SELECT s.id FROM presented p JOIN csgn_sessions s ON s.id = p.id AND \
             s.generation = p.generation JOIN csgn_users u ON u.id = s.user_id WHERE s.revoked_at \
             IS NULL AND s.expires_at > $1 AND s.last_seen_at + s.idle_limit > $1 AND \
             u.disabled_at IS NULL",
            $locking,
            ") UPDATE csgn_sessions SET generation = generation + 1, previous_rotated_at = \
             rotated_at, rotated_at = $1, last_seen_at = $1, confirmed_generation = CASE WHEN \
             confirmed_generation < generation THEN generation ELSE confirmed_generation END FROM \
             current WHERE csgn_sessions.id = current.id RETURNING csgn_sessions.id"
        )
    };
}

// Not among the other statements: Postgres can't prepare them without the types of the values.
const ROTATE_GROUP_SQLITE: &str = rotate_group!("");
/// A group never waits for a locked row: it could wait for another transaction that waits for it.
const ROTATE_GROUP_POSTGRES: &str = rotate_group!(" FOR NO KEY UPDATE OF s SKIP LOCKED");

statements! {
    INSERT = "INSERT INTO csgn_sessions (id, user_id, generation, rotated_at, previous_rotated_at, \
        confirmed_generation, persistent, amr, auth_time, device, address, created_at, \
        last_seen_at, idle_limit, expires_at, reuse_detected_at) VALUES ($1, $2, $3, $4, $5, $6, \
        $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    WITH_USER = with_user!("s.id = $3");
    WITH_USER_GROUP = with_user!(
        "s.id IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
         $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)"
    );
    NEWEST_TOKENS = "SELECT s.id, s.user_id, s.generation FROM csgn_sessions s JOIN csgn_users u \
        ON u.id = s.user_id WHERE s.revoked_at IS NULL AND s.expires_at > $1 AND s.last_seen_at + \
        s.idle_limit > $1 AND u.disabled_at IS NULL AND s.id IN ($2, $3, $4, $5, $6, $7, $8, $9, \
        $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, \
        $28, $29, $30, $31, $32, $33)";
    ROTATE = "UPDATE csgn_sessions SET generation = generation + 1, previous_rotated_at = \
        rotated_at, rotated_at = $3, last_seen_at = $3, confirmed_generation = CASE WHEN \
        confirmed_generation < $2 THEN $2 ELSE confirmed_generation END WHERE id = $1 AND \
        generation = $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit > \
        $3 AND EXISTS (SELECT 1 FROM csgn_users WHERE id = user_id AND disabled_at IS NULL)";
    REISSUE = "UPDATE csgn_sessions SET rotated_at = $3, last_seen_at = $3 WHERE id = $1 AND \
        generation = $2 AND confirmed_generation < $2 AND revoked_at IS NULL";
    RESTART = "UPDATE csgn_sessions SET generation = generation + 1, oldest_generation = \
        generation + 1, previous_rotated_at = rotated_at, rotated_at = $2, last_seen_at = $2 WHERE \
        id = $1 AND revoked_at IS NULL";
    SET_AUTH_TIME = "UPDATE csgn_sessions SET auth_time = $2 WHERE id = $1 AND revoked_at IS NULL";
    REVOKE = "UPDATE csgn_sessions SET revoked_at = $2, revocation_reason = $3 WHERE id = $1 AND \
        revoked_at IS NULL RETURNING user_id";
    REVOKE_OWN = "UPDATE csgn_sessions SET revoked_at = $3, revocation_reason = $4 WHERE id = $1 \
        AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit \
        > $3 RETURNING id";
    REVOKE_OTHERS = "UPDATE csgn_sessions SET revoked_at = $3, revocation_reason = $4 WHERE \
        user_id = $1 AND id <> $2 AND revoked_at IS NULL RETURNING id";
    CLOSE_EXPIRED = "UPDATE csgn_sessions SET revocation_reason = 'expired', revoked_at = CASE \
        WHEN last_seen_at + idle_limit < expires_at THEN last_seen_at + idle_limit ELSE expires_at \
        END WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at < $2 OR last_seen_at + \
        idle_limit < $2)";
    LAST_USES = "SELECT id, created_at, last_seen_at FROM csgn_sessions WHERE user_id = $1 AND id \
        <> $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit > $3";
    LIST = "SELECT id, device, address, created_at, last_seen_at FROM csgn_sessions WHERE user_id \
        = $1 AND id < $2 AND revoked_at IS NULL AND expires_at > $3 AND last_seen_at + idle_limit \
        > $3 ORDER BY id DESC LIMIT $4";
    LIST_ALL = "SELECT id, device, address, created_at, last_seen_at, expires_at, revoked_at FROM \
        csgn_sessions WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    DEVICE_WAS_SEEN = "SELECT COUNT(*) FROM (SELECT device, address FROM csgn_sessions WHERE \
        user_id = $1 AND id <> $2 AND COALESCE(revocation_reason, '') NOT IN ('reported', \
        'refresh_token_reused') ORDER BY id DESC LIMIT 200) seen JOIN csgn_sessions own ON \
        own.id = $2 WHERE seen.device IS NOT DISTINCT FROM own.device AND seen.address IS NOT \
        DISTINCT FROM own.address";
    REUSE_DETECTED_SINCE = "SELECT MAX(revoked_at) FROM csgn_sessions WHERE user_id = $1 AND \
        revocation_reason = 'refresh_token_reused' AND revoked_at >= $2";
    DISMISS_NOTICE = "UPDATE csgn_sessions SET reuse_detected_at = NULL WHERE id = $1";
    POSTPONE_VERIFICATION = "UPDATE csgn_sessions SET verification_postponed_until = $2 WHERE id = \
        $1";
    PRUNE_REVOKED = "DELETE FROM csgn_sessions WHERE id IN (SELECT id FROM csgn_sessions WHERE \
        revoked_at IS NOT NULL AND revoked_at < $1 LIMIT $2)";
    PRUNE_EXPIRED = "DELETE FROM csgn_sessions WHERE id IN (SELECT id FROM csgn_sessions WHERE \
        revoked_at IS NULL AND expires_at < $1 LIMIT $2)";
    PRUNE_IDLE = "DELETE FROM csgn_sessions WHERE id IN (SELECT id FROM csgn_sessions WHERE \
        revoked_at IS NULL AND last_seen_at + idle_limit < $1 LIMIT $2)";
    DELETE_REVOKED = "DELETE FROM csgn_sessions WHERE id IN (SELECT id FROM csgn_sessions WHERE \
        user_id = $1 AND revoked_at IS NOT NULL LIMIT $2)";
    TOUCH = "UPDATE csgn_sessions SET confirmed_generation = CASE WHEN confirmed_generation < $2 \
        THEN $2 ELSE confirmed_generation END, last_seen_at = CASE WHEN last_seen_at < $3 THEN $3 \
        ELSE last_seen_at END WHERE id = $1 AND revoked_at IS NULL";
}

/// An active session as its owner may see it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct SessionRow {
    pub id: SessionId,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

from_row!(SessionRow { id, device, address, created_at, last_seen_at });

/// A session, active or ended, as its owner may see it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct ExportedSessionRow {
    pub id: SessionId,
    pub device: Option<String>,
    pub address: Option<String>,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

from_row!(ExportedSessionRow {
    id,
    device,
    address,
    created_at,
    last_seen_at,
    expires_at,
    revoked_at
});

impl ReadConnection {
    /// Returns the user's sessions, active and ended, that were created before `before`, newest
    /// first.
    pub async fn session_list_all(
        &mut self,
        user: UserId,
        before: SessionId,
        limit: i64,
    ) -> Result<Vec<ExportedSessionRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LIST_ALL)
            .bind(user)
            .bind(before)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// Returns the user's active sessions that were created before `before`, newest first.
    pub async fn session_list(
        &mut self,
        user: UserId,
        before: SessionId,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<SessionRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LIST)
            .bind(user)
            .bind(before)
            .bind(now)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// Returns a session with its user, in one statement: roles and epoch are consistent only if
    /// read together. `pending_email` is the address of the newest link to change it that is valid
    /// at `now`, or would be if its email was sent at once: a taken address gets none.
    pub async fn session_with_user(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<SessionWithUser>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(WITH_USER)
            .bind(now - LinkPurpose::ChangeEmail.ttl())
            .bind(now)
            .bind(id)
            .fetch_optional(c)
            .await?))
    }

    /// Returns at most [`GROUP_SIZE`] sessions with their users, in no order. Those that don't
    /// exist are missing.
    pub(crate) async fn sessions_with_users(
        &mut self,
        ids: &[SessionId],
        now: Timestamp,
    ) -> Result<Vec<SessionWithUser>, Error> {
        if let [id] = ids {
            return Ok(self.session_with_user(*id, now).await?.into_iter().collect());
        }
        Ok(with_connection!(self, |c| {
            let query = sqlx::query_as(WITH_USER_GROUP)
                .bind(now - LinkPurpose::ChangeEmail.ttl())
                .bind(now);
            padded(ids).fold(query, sqlx::query::QueryAs::bind).fetch_all(c).await?
        }))
    }
}

impl ReadConnection {
    /// Returns the newest refresh tokens of at most [`GROUP_SIZE`] sessions, in no order. Sessions
    /// that have ended and those of disabled users are missing.
    pub(crate) async fn newest_refresh_tokens(
        &mut self,
        ids: &[SessionId],
        now: Timestamp,
    ) -> Result<Vec<ParsedRefreshToken>, Error> {
        let rows: Vec<(SessionId, UserId, i64)> = with_connection!(self, |c| {
            let query = sqlx::query_as(NEWEST_TOKENS).bind(now);
            padded(ids).fold(query, sqlx::query::QueryAs::bind).fetch_all(c).await?
        });
        let token = |(session, user, generation)| ParsedRefreshToken { session, user, generation };
        Ok(rows.into_iter().map(token).collect())
    }
}

/// Number of sessions in the statements for a group of them.
pub(crate) const GROUP_SIZE: usize = 32;

/// Repeats the last item, so that a statement for a group has a value for each placeholder.
fn padded<T: Copy>(items: &[T]) -> impl Iterator<Item = T> {
    let last = items.last().into_iter().copied();
    items.iter().copied().chain(last.cycle()).take(GROUP_SIZE)
}

/// The creation and the stored last use of a session.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct SessionUse {
    pub id: SessionId,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

from_row!(SessionUse { id, created_at, last_seen_at });

/// The revocation reason after refresh token reuse.
pub(crate) const REUSE_DETECTED: &str = "refresh_token_reused";

impl ReadConnection {
    /// Returns when a session of this user was last revoked for refresh token reuse, if at or after
    /// `since`.
    pub async fn session_reuse_detected_since(
        &mut self,
        user: UserId,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(REUSE_DETECTED_SINCE)
            .bind(user)
            .bind(since)
            .fetch_one(c)
            .await?))
    }
}

impl ReadConnection {
    /// Whether one of the last 200 sessions of the user, active or ended, began on the same device
    /// and at the same address as this one.
    pub(crate) async fn session_device_was_seen(
        &mut self,
        user: UserId,
        session: SessionId,
    ) -> Result<bool, Error> {
        let seen: i64 = with_connection!(self, |c| sqlx::query_scalar(DEVICE_WAS_SEEN)
            .bind(user)
            .bind(session)
            .fetch_one(c)
            .await?);
        Ok(seen > 0)
    }
}

impl WriteTransaction {
    /// Inserts a session.
    pub async fn session_insert(&mut self, session: &SessionRecord) -> Result<(), Error> {
        let s = session;
        execute!(
            self,
            INSERT,
            s.id,
            s.user_id,
            s.generation,
            s.rotated_at,
            s.previous_rotated_at,
            s.confirmed_generation,
            s.persistent,
            &s.amr,
            s.auth_time,
            &s.device,
            &s.address,
            s.created_at,
            s.last_seen_at,
            s.idle_limit,
            s.expires_at,
            s.reuse_detected_at
        );
        Ok(())
    }

    /// Rotates from generation `from`, which was presented, to the next. Returns `false` if a
    /// concurrent request did, the session has ended, or the user is disabled.
    pub async fn session_rotate(
        &mut self,
        id: SessionId,
        from: i64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, ROTATE, id, from, now) == 1)
    }

    /// Rotates at most [`GROUP_SIZE`] sessions whose newest tokens were presented. Returns those
    /// that were rotated. The others have another newest token, have ended, belong to a disabled
    /// user, or are locked by another transaction.
    pub(crate) async fn session_rotate_group(
        &mut self,
        presented: &[ParsedRefreshToken],
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        let statement = match self.connection_mut() {
            DatabaseConnection::Sqlite(_) => {
                if let [token] = presented {
                    let ParsedRefreshToken { session, generation, .. } = *token;
                    let is_rotated = self.session_rotate(session, generation, now).await?;
                    return Ok(is_rotated.then_some(session).into_iter().collect());
                }
                ROTATE_GROUP_SQLITE
            }
            // Also one session: alone, the statement would wait for a locked row.
            DatabaseConnection::Postgres(_) => ROTATE_GROUP_POSTGRES,
        };
        Ok(with_connection!(self, |c| {
            let query = sqlx::query_scalar(statement).bind(now);
            padded(presented)
                .fold(query, |query, token| query.bind(token.session).bind(token.generation))
                .fetch_all(c)
                .await?
        }))
    }

    /// Issues generation `counter` again, which was never presented. Returns `false` if it was
    /// presented meanwhile, or the session has ended.
    pub async fn session_reissue(
        &mut self,
        id: SessionId,
        counter: i64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, REISSUE, id, counter, now) == 1)
    }

    /// Starts a new generation and rejects all earlier ones. Returns `false` if the session has
    /// ended.
    pub async fn session_restart_generations(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, RESTART, id, now) == 1)
    }

    /// Sets the time of authentication. Returns `false` if the session was revoked.
    pub(crate) async fn session_set_auth_time(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, SET_AUTH_TIME, id, now) == 1)
    }

    /// Revokes a session. Returns `None` if it was revoked already.
    pub async fn session_revoke(
        &mut self,
        id: SessionId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<UserId>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(REVOKE)
            .bind(id)
            .bind(now)
            .bind(reason)
            .fetch_optional(c)
            .await?))
    }

    /// Revokes one active session of this user. Returns `false` if there is none.
    pub async fn session_revoke_own(
        &mut self,
        id: SessionId,
        user: UserId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ended: Option<SessionId> = with_connection!(self, |c| sqlx::query_scalar(REVOKE_OWN)
            .bind(id)
            .bind(user)
            .bind(now)
            .bind(reason)
            .fetch_optional(c)
            .await?);
        Ok(ended.is_some())
    }

    /// Dismisses the notice about refresh token reuse in another session.
    pub async fn session_dismiss_notice(&mut self, id: SessionId) -> Result<(), Error> {
        execute!(self, DISMISS_NOTICE, id);
        Ok(())
    }

    /// Asks the user in this session to verify the address only after `until`.
    pub async fn session_postpone_verification(
        &mut self,
        id: SessionId,
        until: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, POSTPONE_VERIFICATION, id, until);
        Ok(())
    }

    /// Revokes all sessions of a user but one. Returns the revoked ones.
    pub async fn session_revoke_others(
        &mut self,
        user: UserId,
        except: SessionId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(REVOKE_OTHERS)
            .bind(user)
            .bind(except)
            .bind(now)
            .bind(reason)
            .fetch_all(c)
            .await?))
    }

    /// Marks sessions of a user that expired before `before` as ended, to keep the partial index
    /// small. Later ones may only have expired by a clock that runs ahead.
    pub async fn session_close_expired(
        &mut self,
        user: UserId,
        before: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, CLOSE_EXPIRED, user, before);
        Ok(())
    }

    /// Returns the active sessions of a user but one, with their stored last use.
    pub async fn session_last_uses(
        &mut self,
        user: UserId,
        except: SessionId,
        now: Timestamp,
    ) -> Result<Vec<SessionUse>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LAST_USES)
            .bind(user)
            .bind(except)
            .bind(now)
            .fetch_all(c)
            .await?))
    }

    /// Deletes sessions that ended before `before`: at most `rows` of each way to end. Returns the
    /// number.
    pub async fn session_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        let mut pruned = 0;
        for statement in [PRUNE_REVOKED, PRUNE_EXPIRED, PRUNE_IDLE] {
            pruned += execute!(self, statement, before, limit(rows));
        }
        Ok(pruned)
    }

    /// Deletes revoked sessions of one user: at most `rows`. Returns the number.
    pub async fn session_delete_revoked(&mut self, user: UserId, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, DELETE_REVOKED, user, limit(rows)))
    }

    /// Records that generation `confirmed` reached the client, and that the session was used at
    /// `at`.
    pub async fn session_touch(
        &mut self,
        id: SessionId,
        confirmed: i64,
        at: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, TOUCH, id, confirmed, at);
        Ok(())
    }
}

#[cfg(any(test, feature = "testing"))]
impl WriteTransaction {
    /// Moves a session to another user, for tests of write access to the database.
    pub async fn session_set_user(&mut self, id: SessionId, user: UserId) -> Result<(), Error> {
        const SET_USER: &str = "UPDATE csgn_sessions SET user_id = $2 WHERE id = $1";
        execute!(self, SET_USER, id, user);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, testing::TestDatabase};

    #[tokio::test]
    async fn rotation_of_a_group_scans_no_table() {
        let database = TestDatabase::sqlite();
        let store = Store::open(&database.url).await.expect("a database");
        let mut reader = store.read().await.expect("a connection");
        let plan = reader.query_plan(ROTATE_GROUP_SQLITE).await.expect("a plan");
        assert!(plan.iter().any(|step| step.starts_with("SEARCH csgn_sessions ")), "{plan:?}");
        let scans = |table| plan.iter().any(|step| step.starts_with(&format!("SCAN {table}")));
        assert!(!["s", "u", "csgn"].into_iter().any(scans), "{plan:?}");
    }
}
