//! The outbox.

use crate::{
    Error,
    mail::content::MailContent,
    store::{
        ReadConnection, WriteTransaction, execute, from_row, limit, statements, with_connection,
    },
};
use countersign_types::{LinkId, MailId, TimeSpan, Timestamp, UserId};

/// How long a node may work on an email before another node may send it: longer than
/// [`crate::mail::transport::SEND_TIMEOUT`].
pub(super) const LEASE_TTL: TimeSpan = TimeSpan::minutes(2);
/// No email waits longer for its next attempt: a later time was written by a clock that was set
/// back since.
const MAX_DELAY: TimeSpan = TimeSpan::minutes(15 * 60);

/// An email to be stored.
pub(crate) struct NewMail<'a> {
    pub(crate) id: MailId,
    /// The template and its values as JSON.
    pub(crate) content: &'a str,
    /// `None`: the address of the account at the time of sending.
    pub(crate) recipient: Option<&'a str>,
    pub(crate) user: Option<UserId>,
    pub(crate) link: Option<LinkId>,
}

/// An email that this node may send until its lease ends.
#[derive(Clone)]
pub(crate) struct LeasedMail {
    pub(crate) id: MailId,
    pub(crate) content: String,
    pub(crate) recipient: Option<String>,
    pub(crate) user_id: Option<UserId>,
    pub(crate) link_id: Option<LinkId>,
    /// The number of this attempt, which identifies the lease.
    pub(crate) attempts: i64,
    /// The number of attempts before the operator repeated the email.
    pub(crate) given_up: i64,
}

from_row!(LeasedMail { id, content, recipient, user_id, link_id, attempts, given_up });

/// An email in the outbox, as the operator sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are described in the migration")]
pub struct OutboxRow {
    pub id: MailId,
    pub content: String,
    /// `None` if the address has no account.
    pub recipient: Option<String>,
    pub created_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub attempts: i64,
    pub last_error: Option<String>,
}

from_row!(OutboxRow { id, content, recipient, created_at, due_at, attempts, last_error });

impl OutboxRow {
    /// Returns the name of the template.
    #[must_use]
    pub fn template(&self) -> String {
        serde_json::from_str::<MailContent>(&self.content)
            .map_or_else(|_| "unknown".to_owned(), |content| content.name().to_owned())
    }
}

statements! {
    INSERT = "INSERT INTO csgn_mail_outbox (id, content, recipient, user_id, link_id, created_at, \
        due_at) VALUES ($1, $2, $3, $4, $5, $6, $6)";
    HAS_DUE = "SELECT COUNT(*) FROM (SELECT 1 FROM csgn_mail_outbox WHERE due_at IS NOT NULL \
        AND (due_at <= $1 OR due_at > $2) LIMIT 1) one";
    LEASE = "UPDATE csgn_mail_outbox SET due_at = $2, attempts = attempts + 1, last_error = NULL \
        WHERE id IN (SELECT id FROM csgn_mail_outbox WHERE due_at IS NOT NULL AND (due_at <= $1 OR \
        due_at > $4) ORDER BY due_at LIMIT $3) AND (due_at <= $1 OR due_at > $4) RETURNING id, \
        content, recipient, user_id, link_id, attempts, given_up";
    ACCOUNT_ADDRESS = "SELECT email FROM csgn_users WHERE id = COALESCE($1, (SELECT user_id FROM \
        csgn_one_time_links WHERE id = $2)) AND disabled_at IS NULL";
    DELETE = "DELETE FROM csgn_mail_outbox WHERE id = $1 AND attempts = $2";
    DEFER = "UPDATE csgn_mail_outbox SET due_at = $3, last_error = $4 WHERE id = $1 AND attempts = \
        $2";
    LIST = "SELECT m.id, m.content, COALESCE(m.recipient, (SELECT email FROM csgn_users u WHERE \
        u.id = COALESCE(m.user_id, (SELECT user_id FROM csgn_one_time_links l WHERE l.id = \
        m.link_id)))) AS recipient, m.created_at, m.due_at, m.attempts, m.last_error FROM \
        csgn_mail_outbox m WHERE (m.due_at IS NULL OR NOT $1) AND m.id > $2 ORDER BY m.id LIMIT $3";
    RETRY = "UPDATE csgn_mail_outbox SET due_at = $2, given_up = attempts WHERE id = $1 AND \
        (due_at IS NULL OR last_error IS NOT NULL)";
    PRUNE = "DELETE FROM csgn_mail_outbox WHERE id IN (SELECT id FROM csgn_mail_outbox WHERE \
        created_at < $1 LIMIT $2)";
    QUEUE_STATE = "SELECT COUNT(*), MIN(created_at) FROM (SELECT created_at FROM csgn_mail_outbox \
        WHERE due_at IS NOT NULL ORDER BY due_at LIMIT $1) queued";
}

impl ReadConnection {
    /// Whether an email is due at `now`.
    pub(crate) async fn outbox_has_due(&mut self, now: Timestamp) -> Result<bool, Error> {
        let due: i64 = with_connection!(self, |c| sqlx::query_scalar(HAS_DUE)
            .bind(now)
            .bind(now + MAX_DELAY)
            .fetch_one(c)
            .await?);
        Ok(due > 0)
    }

    /// Returns the address of the account of an email, by its user or its link. `None` if there is
    /// no such account, or it is disabled.
    pub(crate) async fn outbox_account_address(
        &mut self,
        mail: &LeasedMail,
    ) -> Result<Option<String>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(ACCOUNT_ADDRESS)
            .bind(mail.user_id)
            .bind(mail.link_id)
            .fetch_optional(c)
            .await?))
    }

    /// Returns emails after `after`, oldest first, at most `limit`.
    pub async fn outbox_list(
        &mut self,
        failed_only: bool,
        after: MailId,
        limit: i64,
    ) -> Result<Vec<OutboxRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LIST)
            .bind(failed_only)
            .bind(after)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// Returns the number of queued emails, counted up to `most`, and the creation time of the
    /// oldest.
    pub(crate) async fn outbox_queue_state(
        &mut self,
        most: u64,
    ) -> Result<(i64, Option<Timestamp>), Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(QUEUE_STATE)
            .bind(limit(most))
            .fetch_one(c)
            .await?))
    }
}

impl WriteTransaction {
    /// Inserts an email, which is due at once.
    pub(crate) async fn outbox_insert(
        &mut self,
        mail: &NewMail<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        execute!(self, INSERT, mail.id, mail.content, mail.recipient, mail.user, mail.link, now);
        Ok(())
    }

    /// Leases at most `rows` emails that are due, until `until`. No other node gets them before.
    pub(crate) async fn outbox_lease(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        rows: u64,
    ) -> Result<Vec<LeasedMail>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LEASE)
            .bind(now)
            .bind(until)
            .bind(limit(rows))
            .bind(now + MAX_DELAY)
            .fetch_all(c)
            .await?))
    }

    /// Deletes an email that was sent or is obsolete, unless its lease has ended.
    pub(crate) async fn outbox_delete(&mut self, mail: &LeasedMail) -> Result<(), Error> {
        execute!(self, DELETE, mail.id, mail.attempts);
        Ok(())
    }

    /// Records a failed attempt. `next`: when the next one is due; `None`: never.
    pub(crate) async fn outbox_defer(
        &mut self,
        mail: &LeasedMail,
        next: Option<Timestamp>,
        error: &str,
    ) -> Result<(), Error> {
        execute!(self, DEFER, mail.id, mail.attempts, next, error);
        Ok(())
    }

    /// Makes an email that has failed or was deferred due now, with all its attempts. Returns
    /// `false` if there is none with this id.
    pub async fn outbox_retry(&mut self, id: MailId, now: Timestamp) -> Result<bool, Error> {
        Ok(execute!(self, RETRY, id, now) == 1)
    }

    /// Deletes emails that were created before `before`: at most `rows`. Returns the number.
    pub async fn outbox_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, PRUNE, before, limit(rows)))
    }
}

#[cfg(any(test, feature = "testing"))]
impl WriteTransaction {
    /// Ends all leases, as if their time had passed.
    pub async fn outbox_end_leases_for_tests(&mut self) -> Result<(), Error> {
        const END: &str = "UPDATE csgn_mail_outbox SET due_at = 0 WHERE due_at IS NOT NULL";
        execute!(self, END);
        Ok(())
    }

    /// Leases one email as a node does, and returns the number. The node is then stopped.
    pub async fn outbox_lease_for_tests(&mut self, now: Timestamp) -> Result<usize, Error> {
        let leased = self.outbox_lease(now, now + LEASE_TTL, 1).await?;
        Ok(leased.len())
    }
}
