//! Somebody's own sessions: which there are, and ending them.

use super::{Happened, SignedIn, part::Part};
use crate::{Error, LimitedAction, store::feed::News};
use countersign_types::{
    SessionId,
    view::{EventKind, Page, SessionView, Sessions},
};

impl SignedIn<'_> {
    /// Their living sessions, the newest first: at most `limit` (1 to [`super::MOST_ITEMS`]) that
    /// were opened before the one that `cursor` names.
    pub async fn sessions(
        &self,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page<SessionView>, Error> {
        let (part, now) = (Part::new(limit, cursor)?, self.auth.clock.now());
        let rows = self
            .auth
            .store
            .read()
            .await?
            .session_list(self.user, SessionId(part.before), now, part.rows())
            .await?;
        let page = part.page(rows, |row| row.id.0);
        let view = |row: crate::store::sessions::SessionRow| SessionView {
            current: row.id == self.session,
            id: row.id,
            device: row.device,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
        };
        Ok(Page {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// All of their living sessions, and when that was so. There are never more than
    /// [`super::MOST_SESSIONS`].
    pub async fn all_sessions(&self) -> Result<Sessions, Error> {
        Ok(Sessions {
            items: self.sessions(super::MOST_SESSIONS, None).await?.items,
            as_of: self.auth.clock.now(),
        })
    }

    /// Dismisses the notice that another session was ended as stolen. It is written only if there
    /// is one.
    pub async fn dismiss_notice(&self) -> Result<(), Error> {
        if self.account().await?.stolen_at.is_none() {
            return Ok(());
        }
        let mut tx = self.auth.store.write().await?;
        tx.session_dismiss_notice(self.session).await?;
        tx.commit().await
    }

    /// Ends one of their sessions, this one too. [`Error::NotFound`]: they have no such session,
    /// whoever else may have it.
    pub async fn end_session(&self, session: SessionId) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::SessionRevocation)?).await?;
        if !tx.session_revoke_own(session, self.user, "ended", now).await? {
            return Err(Error::NotFound);
        }
        let kind =
            if session == self.session { EventKind::LoggedOut } else { EventKind::SessionEnded };
        self.auth
            .record(&mut tx, &self.client, now, Happened::own(kind, self.user, session))
            .await?;
        self.auth.commit_with(tx, &[News::SessionEnded(session)], now).await
    }

    /// Ends all of their sessions but this one. It is no error if there is no other: then nothing
    /// changes, and nothing is recorded.
    pub async fn end_other_sessions(&self) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::SessionRevocation)?).await?;
        let ended = tx.session_revoke_others(self.user, self.session, "others_ended", now).await?;
        if ended.is_empty() {
            return Ok(());
        }
        self.auth
            .record(
                &mut tx,
                &self.client,
                now,
                Happened::own(EventKind::OthersLoggedOut, self.user, self.session),
            )
            .await?;
        let news: Vec<_> = ended.into_iter().map(News::SessionEnded).collect();
        self.auth.commit_with(tx, &news, now).await
    }

    /// Ends all of their sessions. Whatever was issued to any of them until now is refused, also
    /// what is being issued at this moment.
    pub async fn end_all_sessions(&self) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::SessionRevocation)?).await?;
        let epoch = tx.user_raise_epoch(self.user).await?.ok_or(Error::SignedOut)?;
        tx.session_revoke_others(self.user, SessionId(uuid::Uuid::nil()), "all_ended", now).await?;
        self.auth
            .record(
                &mut tx,
                &self.client,
                now,
                Happened::own(EventKind::AllLoggedOut, self.user, self.session),
            )
            .await?;
        self.auth.commit_with(tx, &[News::EpochRaised(self.user, epoch)], now).await
    }
}
