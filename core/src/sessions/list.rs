//! The user's own sessions.

use crate::{
    Error, LimitedAction, SignedIn, audit::AuditEntry, pagination::PageRequest,
    store::change_feed::Change,
};
use countersign_types::{
    EventKind, SessionId,
    views::{Paginated, SessionInfo, SessionList},
};

impl SignedIn<'_> {
    /// Returns the active sessions, newest first: at most `limit` (1 to
    /// [`crate::pagination::MAX_PAGE_SIZE`]) created before the one that `cursor` names.
    pub async fn sessions(
        &self,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Paginated<SessionInfo>, Error> {
        let (page_request, now) = (PageRequest::new(limit, cursor)?, self.auth.clock().now());
        let rows = self
            .auth
            .store()
            .read()
            .await?
            .session_list(self.user, SessionId(page_request.before), now, page_request.rows())
            .await?;
        let page = page_request.page(rows, |row| row.id.0);
        let view = |row: crate::sessions::store::SessionRow| SessionInfo {
            current: row.id == self.session,
            id: row.id,
            device: row.device,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
        };
        Ok(Paginated {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Returns all active sessions and the current time. There are at most
    /// [`crate::MAX_SESSIONS_PER_USER`].
    pub async fn all_sessions(&self) -> Result<SessionList, Error> {
        Ok(SessionList {
            items: self.sessions(crate::MAX_SESSIONS_PER_USER, None).await?.items,
            as_of: self.auth.clock().now(),
        })
    }

    /// Dismisses the notice about a refresh token reuse in another session.
    pub async fn dismiss_notice(&self) -> Result<(), Error> {
        if self.account().await?.reuse_detected_at.is_none() {
            return Ok(());
        }
        let mut tx = self.auth.store().write().await?;
        tx.session_dismiss_notice(self.session).await?;
        tx.commit().await
    }

    /// Revokes one of the user's sessions, which may be the current one. Returns
    /// [`Error::NotFound`] if the user has no such session.
    pub async fn revoke_session(&self, session: SessionId) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::SessionRevocation)?).await?;
        if !tx.session_revoke_own(session, self.user, "ended", now).await? {
            return Err(Error::NotFound);
        }
        let kind =
            if session == self.session { EventKind::LoggedOut } else { EventKind::SessionRevoked };
        self.auth
            .audit(&mut tx, &self.context, now, AuditEntry::by_user(kind, self.user, session))
            .await?;
        self.auth.commit_and_publish(tx, &[Change::SessionRevoked(session)], now).await
    }

    /// Revokes all other sessions. If there is none, nothing changes and nothing is recorded.
    pub async fn revoke_other_sessions(&self) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::SessionRevocation)?).await?;
        let ended = tx.session_revoke_others(self.user, self.session, "others_ended", now).await?;
        if ended.is_empty() {
            return Ok(());
        }
        self.auth
            .audit(
                &mut tx,
                &self.context,
                now,
                AuditEntry::by_user(EventKind::OtherSessionsRevoked, self.user, self.session),
            )
            .await?;
        let changes: Vec<_> = ended.into_iter().map(Change::SessionRevoked).collect();
        self.auth.commit_and_publish(tx, &changes, now).await
    }

    /// Revokes all sessions, including tokens that are being issued concurrently.
    pub async fn revoke_all_sessions(&self) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::SessionRevocation)?).await?;
        let epoch = tx.user_raise_epoch(self.user).await?.ok_or(Error::Unauthenticated)?;
        tx.session_revoke_others(self.user, SessionId(uuid::Uuid::nil()), "all_ended", now).await?;
        self.auth
            .audit(
                &mut tx,
                &self.context,
                now,
                AuditEntry::by_user(EventKind::AllSessionsRevoked, self.user, self.session),
            )
            .await?;
        self.auth.commit_and_publish(tx, &[Change::EpochRaised(self.user, epoch)], now).await
    }
}
