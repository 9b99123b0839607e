//! The one-time links.

use crate::{
    Error,
    one_time_links::{CODE_TTL, LinkPurpose, MAX_CODE_ATTEMPTS},
    store::{ReadConnection, WriteTransaction, limit, statements, with_connection},
};
use countersign_types::{LinkId, SessionId, Timestamp, UserId};

/// A link to be stored. It is not valid before it is sent.
#[derive(Clone, Copy)]
pub(crate) struct NewLink<'a> {
    pub(crate) id: LinkId,
    pub(crate) purpose: LinkPurpose,
    pub(crate) email: &'a str,
    pub(crate) email_key: &'a str,
    /// The session that [`LinkPurpose::SecureAccount`] ends.
    pub(crate) session: Option<SessionId>,
}

/// A valid link with its account.
#[derive(Clone, sqlx::FromRow)]
pub struct LinkRow {
    pub user_id: UserId,
    pub epoch: i64,
    pub session_id: Option<SessionId>,
    /// The address of the account, which may be spelled differently from that of the link.
    pub email: String,
    pub name: Option<String>,
}

statements! {
    SUPERSEDE = "UPDATE csgn_one_time_links SET ended_at = $3 WHERE email_key = $1 AND purpose = \
        $2 AND ended_at IS NULL";
    INSERT_FOR_ADDRESS = "INSERT INTO csgn_one_time_links (id, purpose, email, email_key, user_id, \
        epoch, created_at, expires_at, code_expires_at) VALUES ($1, $2, $3, $4, (SELECT id FROM \
        csgn_users WHERE email_key = $4 AND disabled_at IS NULL), (SELECT epoch FROM csgn_users \
        WHERE email_key = $4 AND disabled_at IS NULL), $5, $5, $5)";
    INSERT_FOR_USER = "INSERT INTO csgn_one_time_links (id, purpose, email, email_key, user_id, \
        epoch, session_id, created_at, expires_at, code_expires_at) VALUES ($1, $2, $3, $4, $6, \
        $7, $8, $5, $5, $5)";
    START_VALIDITY = "UPDATE csgn_one_time_links SET expires_at = $2, code_expires_at = $3 WHERE \
        id = $1 AND ended_at IS NULL AND (user_id IS NULL OR EXISTS (SELECT 1 FROM csgn_users u \
        WHERE u.id = csgn_one_time_links.user_id AND u.epoch = csgn_one_time_links.epoch AND \
        u.disabled_at IS NULL))";
    VALID = "SELECT l.user_id, l.epoch, l.session_id, u.email, u.name FROM csgn_one_time_links l \
        JOIN csgn_users u ON u.id = l.user_id WHERE l.id = $1 AND l.purpose = $2 AND l.ended_at IS \
        NULL AND l.expires_at > $3 AND u.epoch = l.epoch AND u.disabled_at IS NULL";
    COUNT_CODE_ATTEMPT = "UPDATE csgn_one_time_links SET attempts = attempts + 1 WHERE id = $1 AND \
        purpose = $2 AND ended_at IS NULL AND code_expires_at > $3 AND attempts < $4 RETURNING \
        attempts";
    USE = "UPDATE csgn_one_time_links SET ended_at = $3 WHERE id = $1 AND purpose = $2 AND \
        ended_at IS NULL AND expires_at > $3";
    LAST = "SELECT id FROM csgn_one_time_links WHERE email_key = $1 AND purpose = $2 AND ended_at \
        IS NULL ORDER BY id DESC LIMIT 1";
    PRUNE = "DELETE FROM csgn_one_time_links WHERE id IN (SELECT id FROM csgn_one_time_links WHERE \
        created_at < $1 AND expires_at < $1 ORDER BY created_at LIMIT $2)";
}

impl ReadConnection {
    /// Returns a link that is valid at `now`, with its account.
    pub async fn link_valid(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<LinkRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(VALID)
            .bind(id)
            .bind(purpose.as_str())
            .bind(now)
            .fetch_optional(c)
            .await?))
    }
}

impl ReadConnection {
    /// Returns the newest link for this purpose and address that has not ended.
    pub(crate) async fn link_last(
        &mut self,
        email_key: &str,
        purpose: LinkPurpose,
    ) -> Result<Option<LinkId>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(LAST)
            .bind(email_key)
            .bind(purpose.as_str())
            .fetch_optional(c)
            .await?))
    }
}

impl WriteTransaction {
    /// Ends the unused links for this purpose and address, because a newer one follows.
    pub(crate) async fn link_supersede(
        &mut self,
        email_key: &str,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<(), Error> {
        with_connection!(self, |c| sqlx::query(SUPERSEDE)
            .bind(email_key)
            .bind(purpose.as_str())
            .bind(now)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Inserts a link for whichever account has the address, or for none.
    pub(crate) async fn link_insert_for_address(
        &mut self,
        link: &NewLink<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        with_connection!(self, |c| sqlx::query(INSERT_FOR_ADDRESS)
            .bind(link.id)
            .bind(link.purpose.as_str())
            .bind(link.email)
            .bind(link.email_key)
            .bind(now)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Inserts a link for an account with this epoch.
    pub(crate) async fn link_insert_for_user(
        &mut self,
        link: &NewLink<'_>,
        user: UserId,
        epoch: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        with_connection!(self, |c| sqlx::query(INSERT_FOR_USER)
            .bind(link.id)
            .bind(link.purpose.as_str())
            .bind(link.email)
            .bind(link.email_key)
            .bind(now)
            .bind(user)
            .bind(epoch)
            .bind(link.session)
            .execute(c)
            .await
            .map(drop)?);
        Ok(())
    }

    /// Starts the lifetime of a link and its code, before each attempt to send them. Returns
    /// `false` if the link was used or superseded, or the account has changed: there is nothing to
    /// send.
    pub(crate) async fn link_start_validity(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(with_connection!(self, |c| sqlx::query(START_VALIDITY)
            .bind(id)
            .bind(now + purpose.ttl())
            .bind(now + CODE_TTL)
            .execute(c)
            .await?
            .rows_affected())
            == 1)
    }

    /// Counts an attempt to enter the code. Returns its number, or `None` if the code has expired,
    /// the link has ended, or there were too many attempts.
    pub(crate) async fn link_count_code_attempt(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<i64>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(COUNT_CODE_ATTEMPT)
            .bind(id)
            .bind(purpose.as_str())
            .bind(now)
            .bind(MAX_CODE_ATTEMPTS)
            .fetch_optional(c)
            .await?))
    }

    /// Uses a link, once. Returns `false` if it has ended or expired. The caller checks the epoch
    /// of the account, in the statement that changes the account.
    pub(crate) async fn link_use(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(with_connection!(self, |c| sqlx::query(USE)
            .bind(id)
            .bind(purpose.as_str())
            .bind(now)
            .execute(c)
            .await?
            .rows_affected())
            == 1)
    }

    /// Deletes links that were created and expired before `before`: at most `rows`. Returns the
    /// number.
    pub async fn link_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        Ok(with_connection!(self, |c| sqlx::query(PRUNE)
            .bind(before)
            .bind(limit(rows))
            .execute(c)
            .await?
            .rows_affected()))
    }
}
