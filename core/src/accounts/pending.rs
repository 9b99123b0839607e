//! The sign-ups and log-ins that wait until the user has verified the email address.

use crate::{
    Error,
    mail::MailContent,
    one_time_links::LinkPurpose,
    store::{
        ReadConnection, WriteTransaction, execute, from_row, limit, statements, with_connection,
    },
};
use countersign_types::{TimeSpan, Timestamp, UserId, VerificationId};

/// How long a sign-up or log-in waits for the verification of its address.
pub(crate) const PENDING_TTL: TimeSpan = TimeSpan::days(1);

/// A sign-up or log-in that waits. It has no `Debug`, because it contains the password hash.
pub(crate) struct PendingSession {
    pub(crate) id: VerificationId,
    /// The address as typed.
    pub(crate) email: String,
    pub(crate) email_key: String,
    /// The account. That of a sign-up does not exist yet.
    pub(crate) user: UserId,
    pub(crate) cause: PendingCause,
    /// Whether the session outlives the browser.
    pub(crate) persistent: bool,
}

impl PendingSession {
    /// Returns the email that asks for the verification.
    pub(crate) const fn content(&self) -> MailContent {
        match self.cause {
            PendingCause::SignUp { .. } => MailContent::SignUp,
            PendingCause::LogIn { .. } => MailContent::VerifyEmail,
        }
    }

    /// Returns the purpose of the link in that email.
    pub(crate) const fn purpose(&self) -> LinkPurpose {
        match self.cause {
            PendingCause::SignUp { .. } => LinkPurpose::SignUp,
            PendingCause::LogIn { .. } => LinkPurpose::VerifyEmail,
        }
    }
}

/// The effect of the verification.
pub(crate) enum PendingCause {
    /// The account is created.
    SignUp { name: Option<String>, password_hash: String },
    /// A session begins, unless the account has changed since the password was verified.
    LogIn { epoch: i64 },
}

struct Row {
    id: VerificationId,
    email: String,
    email_key: String,
    user_id: UserId,
    name: Option<String>,
    password_hash: Option<String>,
    epoch: Option<i64>,
    persistent: bool,
}

from_row!(Row { id, email, email_key, user_id, name, password_hash, epoch, persistent });

statements! {
    INSERT = "INSERT INTO csgn_pending_verifications (id, email, email_key, user_id, name, \
        password_hash, epoch, persistent, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, \
        $7, $8, $9, $10)";
    BY_ID = "SELECT id, email, email_key, user_id, name, password_hash, epoch, persistent FROM \
        csgn_pending_verifications WHERE id = $1 AND expires_at > $2";
    DELETE_FOR_ADDRESS = "DELETE FROM csgn_pending_verifications WHERE id IN (SELECT id FROM \
        csgn_pending_verifications WHERE email_key = $1 LIMIT 1000)";
    DELETE_FOR_USER = "DELETE FROM csgn_pending_verifications WHERE user_id = $1";
    PRUNE = "DELETE FROM csgn_pending_verifications WHERE id IN (SELECT id FROM \
        csgn_pending_verifications WHERE expires_at < $1 LIMIT $2)";
}

impl ReadConnection {
    /// Returns what waits with this id.
    pub(crate) async fn pending_by_id(
        &mut self,
        id: VerificationId,
        now: Timestamp,
    ) -> Result<Option<PendingSession>, Error> {
        let row: Option<Row> = with_connection!(self, |c| sqlx::query_as(BY_ID)
            .bind(id)
            .bind(now)
            .fetch_optional(c)
            .await?);
        Ok(row.and_then(|row| {
            let cause = match (row.password_hash, row.epoch) {
                (Some(password_hash), None) => {
                    PendingCause::SignUp { name: row.name, password_hash }
                }
                (None, Some(epoch)) => PendingCause::LogIn { epoch },
                _ => return None,
            };
            let Row { id, email, email_key, user_id, persistent, .. } = row;
            Some(PendingSession { id, email, email_key, user: user_id, cause, persistent })
        }))
    }
}

impl WriteTransaction {
    /// Stores a sign-up or log-in that waits.
    pub(crate) async fn pending_insert(
        &mut self,
        pending: &PendingSession,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (name, hash, epoch) = match &pending.cause {
            PendingCause::SignUp { name, password_hash } => {
                (name.as_deref(), Some(password_hash.as_str()), None)
            }
            PendingCause::LogIn { epoch } => (None, None, Some(*epoch)),
        };
        execute!(
            self,
            INSERT,
            pending.id,
            &pending.email,
            &pending.email_key,
            pending.user,
            name,
            hash,
            epoch,
            pending.persistent,
            now,
            now + PENDING_TTL
        );
        Ok(())
    }

    /// Deletes what waits for the verification of an address, at most a thousand rows. The others
    /// expire: a sign-up for an address with an account cannot be completed.
    pub(crate) async fn pending_delete_for_address(
        &mut self,
        email_key: &str,
    ) -> Result<(), Error> {
        execute!(self, DELETE_FOR_ADDRESS, email_key);
        Ok(())
    }

    /// Deletes the pending log-ins of an account.
    pub(crate) async fn pending_delete_for_user(&mut self, user: UserId) -> Result<(), Error> {
        execute!(self, DELETE_FOR_USER, user);
        Ok(())
    }

    /// Deletes rows that expired before `before`: at most `rows`. Returns the number.
    pub async fn pending_prune(&mut self, before: Timestamp, rows: u64) -> Result<u64, Error> {
        Ok(execute!(self, PRUNE, before, limit(rows)))
    }
}
