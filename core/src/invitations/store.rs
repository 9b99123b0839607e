//! The one-time links that are invitations.

use crate::{
    Error,
    store::{ReadConnection, WriteTransaction, execute, from_row, statements, with_connection},
};
use countersign_types::{LinkId, Timestamp};

/// An open invitation.
#[derive(Clone)]
pub(crate) struct InvitationRow {
    pub(crate) id: LinkId,
    pub(crate) email: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

from_row!(InvitationRow { id, email, created_at, expires_at });

statements! {
    LIST = "SELECT id, email, created_at, expires_at FROM csgn_one_time_links WHERE purpose \
        = 'invitation' AND ended_at IS NULL AND expires_at > $1 AND id < $2 AND NOT EXISTS (SELECT \
        1 FROM csgn_users u WHERE u.email_key = csgn_one_time_links.email_key) ORDER BY id DESC \
        LIMIT $3";
    COUNT = "SELECT COUNT(*) FROM (SELECT 1 FROM csgn_one_time_links WHERE purpose = \
        'invitation' AND ended_at IS NULL AND expires_at > $1 AND NOT EXISTS (SELECT 1 FROM \
        csgn_users u WHERE u.email_key = csgn_one_time_links.email_key) LIMIT $2) open";
    REVOKE = "UPDATE csgn_one_time_links SET ended_at = $2 WHERE id = $1 AND purpose = \
        'invitation' AND ended_at IS NULL AND expires_at > $2";
}

impl ReadConnection {
    /// Returns the invitations before `before` that can be used, newest first.
    pub(crate) async fn invitation_list(
        &mut self,
        now: Timestamp,
        before: LinkId,
        limit: i64,
    ) -> Result<Vec<InvitationRow>, Error> {
        Ok(with_connection!(self, |c| sqlx::query_as(LIST)
            .bind(now)
            .bind(before)
            .bind(limit)
            .fetch_all(c)
            .await?))
    }

    /// Returns the number of invitations that have not ended, up to `limit`.
    pub(crate) async fn invitation_count(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<i64, Error> {
        Ok(with_connection!(self, |c| sqlx::query_scalar(COUNT)
            .bind(now)
            .bind(limit)
            .fetch_one(c)
            .await?))
    }
}

impl WriteTransaction {
    /// Ends an invitation. Returns `false` if it does not exist or has ended.
    pub(crate) async fn invitation_revoke(
        &mut self,
        id: LinkId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(execute!(self, REVOKE, id, now) == 1)
    }
}
