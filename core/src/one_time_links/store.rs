//! The one-time links.

use crate::{
    Error,
    one_time_links::{CODE_TTL, LinkPurpose, MAX_CODE_ATTEMPTS},
    sessions::access_token::CLOCK_SKEW,
    store::{
        ReadConnection, WriteTransaction, execute, from_row, limit, statements, with_connection,
    },
};
use countersign_types::{LinkId, SessionId, TimeSpan, Timestamp, UserId};

/// A link to be stored. It is not valid before it is sent.
#[derive(Clone, Copy)]
pub(crate) struct NewLink<'a> {
    pub(crate) id: LinkId,
    pub(crate) purpose: LinkPurpose,
    pub(crate) email: &'a str,
    pub(crate) email_key: &'a str,
    /// The session that [`LinkPurpose::SecureAccount`] and [`LinkPurpose::RestoreEmail`] end.
    pub(crate) session: Option<SessionId>,
}

/// A valid link with its account.
#[derive(Clone)]
pub struct LinkRow {
    pub user_id: UserId,
    pub session_id: Option<SessionId>,
    /// The address of the account, which may be spelled differently from that of the link.
    pub email: String,
    pub name: Option<String>,
    /// The address that the link was sent to.
    pub link_email: String,
}

from_row!(LinkRow { user_id, session_id, email, name, link_email });

/// A valid link to an address, which need not have an account.
#[derive(Clone)]
pub(crate) struct AddressLinkRow {
    /// The address that the link was sent to.
    pub(crate) email: String,
    /// The account that has this address now.
    pub(crate) user_id: Option<UserId>,
    /// The account that the link was created for.
    pub(crate) owner: Option<UserId>,
}

from_row!(AddressLinkRow { email, user_id, owner });

statements! {
    SUPERSEDE = "UPDATE csgn_one_time_links SET ended_at = $3 WHERE email_key = $1 AND purpose = \
        $2 AND ended_at IS NULL";
    INSERT_FOR_ADDRESS = "INSERT INTO csgn_one_time_links (id, purpose, email, email_key, user_id, \
        created_at, expires_at, code_expires_at) VALUES ($1, $2, $3, $4, (SELECT id FROM \
        csgn_users WHERE email_key = $4 AND disabled_at IS NULL), $5, $5, $5)";
    INSERT_FOR_USER = "INSERT INTO csgn_one_time_links (id, purpose, email, email_key, user_id, \
        session_id, created_at, expires_at, code_expires_at) VALUES ($1, $2, $3, $4, $6, $7, $5, \
        $5, $5)";
    START_VALIDITY = "UPDATE csgn_one_time_links SET expires_at = $2, code_expires_at = CASE WHEN \
        $3 > 0 AND code_expires_at = created_at THEN $3 ELSE code_expires_at END WHERE id = $1 AND \
        ended_at IS NULL RETURNING code_expires_at";
    VALID = "SELECT l.user_id, l.session_id, u.email, u.name, l.email AS link_email FROM \
        csgn_one_time_links l JOIN csgn_users u ON u.id = l.user_id WHERE l.id = $1 AND l.purpose \
        = $2 AND l.ended_at IS NULL AND l.expires_at > $3 AND l.expires_at <= $4 AND u.disabled_at \
        IS NULL";
    TO_ADDRESS = "SELECT l.email, u.id AS user_id, l.user_id AS owner FROM csgn_one_time_links l \
        LEFT JOIN csgn_users u ON u.email_key = l.email_key WHERE l.id = $1 AND l.purpose = $2 AND \
        l.ended_at IS NULL AND l.expires_at > $3 AND l.expires_at <= $4";
    COUNT_CODE_ATTEMPT = "UPDATE csgn_one_time_links SET code_attempts = code_attempts + 1 WHERE \
        id = $1 AND purpose = $2 AND ended_at IS NULL AND code_expires_at > $3 AND code_expires_at \
        <= $4 AND code_attempts < $5 RETURNING code_attempts, email_key";
    USE = "UPDATE csgn_one_time_links SET ended_at = $3 WHERE id = $1 AND purpose = $2 AND \
        ended_at IS NULL AND expires_at > $3 AND expires_at <= $4";
    USE_FOR_ADDRESS = "UPDATE csgn_one_time_links SET ended_at = $3 WHERE id = $1 AND purpose = $2 \
        AND email_key = $5 AND ended_at IS NULL AND expires_at > $3 AND expires_at <= $4";
    END_FOR_USER = "UPDATE csgn_one_time_links SET ended_at = $2 WHERE user_id = $1 AND ended_at \
        IS NULL AND purpose = $3";
    END_ALL_EXCEPT_RESTORING = "UPDATE csgn_one_time_links SET ended_at = $2 WHERE user_id = $1 \
        AND ended_at IS NULL AND (email_key = (SELECT email_key FROM csgn_users WHERE id = $1) OR \
        purpose NOT IN ('secure_account', 'restore_email'))";
    END_ALL_NEWER = "UPDATE csgn_one_time_links SET ended_at = $2 WHERE user_id = $1 AND ended_at \
        IS NULL AND (purpose <> 'restore_email' OR created_at >= $3)";
    RESTORABLE = "SELECT created_at FROM csgn_one_time_links WHERE user_id = $1 AND email_key = $2 \
        AND purpose = 'restore_email' AND ended_at IS NULL AND created_at <= $5 AND (created_at > \
        $3 OR expires_at > $4) ORDER BY created_at LIMIT 1";
    NEWEST_RESTORING = "SELECT MAX(created_at) FROM csgn_one_time_links WHERE user_id = $1 AND \
        purpose = 'restore_email' AND ended_at IS NULL";
    END_RESTORING = "UPDATE csgn_one_time_links SET ended_at = $3 WHERE user_id = $1 AND email_key \
        = $2 AND purpose = 'restore_email' AND ended_at IS NULL";
    LAST = "SELECT id FROM csgn_one_time_links WHERE email_key = $1 AND purpose = $2 AND ended_at \
        IS NULL ORDER BY id DESC LIMIT 1";
    LAST_FOR_USER = "SELECT id FROM csgn_one_time_links WHERE user_id = $1 AND purpose = $2 AND \
        ended_at IS NULL ORDER BY id DESC LIMIT 1";
    DELETE_FOR_USER = "DELETE FROM csgn_one_time_links WHERE user_id = $1";
    PRUNE = "DELETE FROM csgn_one_time_links WHERE id IN (SELECT id FROM csgn_one_time_links WHERE \
        expires_at < $1 LIMIT $2)";
}

/// Returns the latest plausible end of a lifetime that begins at `now`. A later one was written by
/// a clock that was set back since.
fn latest_end(now: Timestamp, ttl: TimeSpan) -> Timestamp {
    now + ttl + CLOCK_SKEW
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
            .bind(latest_end(now, purpose.ttl()))
            .fetch_optional(c)
            .await?))
    }
}

impl ReadConnection {
    /// Returns a link that is valid at `now`, whether its address has an account or not.
    pub(crate) async fn link_to_address(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<AddressLinkRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(TO_ADDRESS)
            .bind(id)
            .bind(purpose.as_str())
            .bind(now)
            .bind(latest_end(now, purpose.ttl()))
            .fetch_optional(c)
            .await?))
    }

    /// Returns the newest link of an account for this purpose that has not ended.
    pub(crate) async fn link_last_for_user(
        &mut self,
        user: UserId,
        purpose: LinkPurpose,
    ) -> Result<Option<LinkId>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(LAST_FOR_USER)
            .bind(user)
            .bind(purpose.as_str())
            .fetch_optional(c)
            .await?))
    }

    /// Returns when an account had an address to which it can return. `None` if it cannot.
    pub(crate) async fn link_restorable_since(
        &mut self,
        user: UserId,
        email_key: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(RESTORABLE)
            .bind(user)
            .bind(email_key)
            .bind(now - LinkPurpose::RestoreEmail.ttl())
            .bind(now)
            .bind(now + CLOCK_SKEW)
            .fetch_optional(c)
            .await?))
    }

    /// Returns the creation time of the newest link that restores an address of an account.
    pub(crate) async fn link_newest_restoring(
        &mut self,
        user: UserId,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(NEWEST_RESTORING)
            .bind(user)
            .fetch_one(c)
            .await?))
    }

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
        execute!(self, SUPERSEDE, email_key, purpose.as_str(), now);
        Ok(())
    }

    /// Inserts a link for the account that has the address, or for none.
    pub(crate) async fn link_insert_for_address(
        &mut self,
        link: &NewLink<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(
            self,
            INSERT_FOR_ADDRESS,
            link.id,
            link.purpose.as_str(),
            link.email,
            link.email_key,
            now
        );
        Ok(())
    }

    /// Inserts a link for an account.
    pub(crate) async fn link_insert_for_user(
        &mut self,
        link: &NewLink<'_>,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(
            self,
            INSERT_FOR_USER,
            link.id,
            link.purpose.as_str(),
            link.email,
            link.email_key,
            now,
            user,
            link.session
        );
        Ok(())
    }

    /// Starts the lifetime of a link, before each attempt to send it, and `with_code` that of its
    /// code, unless it has begun. Returns whether the code's lifetime began, or `None` if the link
    /// has ended.
    pub(crate) async fn link_start_validity(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        with_code: bool,
        now: Timestamp,
    ) -> Result<Option<bool>, Error> {
        let code_expires_at = if with_code { now + CODE_TTL } else { Timestamp(0) };
        let stored: Option<Timestamp> =
            with_connection!(self, |c| sqlx::query_scalar(START_VALIDITY)
                .bind(id)
                .bind(now + purpose.ttl())
                .bind(code_expires_at)
                .fetch_optional(c)
                .await?);
        Ok(stored.map(|stored| stored == code_expires_at))
    }

    /// Counts an attempt to enter the code. Returns its number and the address of the link, or
    /// `None` if the code has expired, the link has ended, or there were too many attempts.
    pub(crate) async fn link_count_code_attempt(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<(i64, String)>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(COUNT_CODE_ATTEMPT)
            .bind(id)
            .bind(purpose.as_str())
            .bind(now)
            .bind(latest_end(now, CODE_TTL))
            .bind(MAX_CODE_ATTEMPTS)
            .fetch_optional(c)
            .await?))
    }

    /// Uses a link, once. Returns `false` if it has ended or expired. The caller has locked the row
    /// of the account, so that no concurrent change can end the link meanwhile.
    pub(crate) async fn link_use(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, USE, id, purpose.as_str(), now, latest_end(now, purpose.ttl())) == 1)
    }

    /// Uses a link as [`Self::link_use`] does, if it was sent to this address.
    pub(crate) async fn link_use_for_address(
        &mut self,
        id: LinkId,
        purpose: LinkPurpose,
        email_key: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(
            self,
            USE_FOR_ADDRESS,
            id,
            purpose.as_str(),
            now,
            latest_end(now, purpose.ttl()),
            email_key
        ) == 1)
    }

    /// Ends the links of an account for one purpose. Returns their number.
    pub(crate) async fn link_end_for_user(
        &mut self,
        user: UserId,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<u64, Error> {
        Ok(execute!(self, END_FOR_USER, user, now, purpose.as_str()))
    }

    /// Ends all links of an account, except those that were sent to a previous address and take the
    /// account back: an attacker who has changed the address must not be able to end them.
    pub(crate) async fn link_end_all_except_restoring(
        &mut self,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, END_ALL_EXCEPT_RESTORING, user, now);
        Ok(())
    }

    /// Ends all links of an account, except those that restore an address that it had before
    /// `created_at`.
    pub(crate) async fn link_end_all_newer(
        &mut self,
        user: UserId,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, END_ALL_NEWER, user, now, created_at);
        Ok(())
    }

    /// Ends the links that restore an address of an account.
    pub(crate) async fn link_end_restoring(
        &mut self,
        user: UserId,
        email_key: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, END_RESTORING, user, email_key, now);
        Ok(())
    }

    /// Deletes the links of a deleted account.
    pub(crate) async fn link_delete_for_user(&mut self, user: UserId) -> Result<(), Error> {
        execute!(self, DELETE_FOR_USER, user);
        Ok(())
    }

    /// Deletes links that expired before `before`: at most `rows`. Returns the number. A link that
    /// was never sent expired when it was created.
    pub async fn link_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, PRUNE, before, limit(rows)))
    }
}
