//! Leaving: taking along what is stored of oneself, and deleting one's account. The account is
//! deleted only after a time in which its owner can think better of it, or notice that it was
//! somebody else who asked. (GDPR, articles 15, 17 and 20.)

use super::{
    Happened, SignedIn,
    part::Part,
    password::{Proven, wrong},
    tries::Permit,
};
use crate::{
    Error, LimitedAction, Store,
    store::{Reader, feed::News, sessions::HeldRow, users::User},
};
use countersign_types::{
    SessionId, UserId,
    form::DeleteAccount,
    view::{Account, DELETION_GRACE, EventKind, Everything, HeldSession, Role},
};
use uuid::Uuid;

/// How many events go along: what fits into one answer. The others are in the list of activity.
const MOST_EVENTS: usize = 5_000;

/// Number of sessions that are read at once, and that a document for people holds.
pub const SESSIONS_PER_PAGE: usize = 1_000;

impl SignedIn<'_> {
    /// What is stored about them, as far as it is theirs to see: see [`Everything`].
    pub async fn everything(&self) -> Result<Everything, Error> {
        // Reads only: counted on this node.
        let _counted = self.permit(LimitedAction::DataExport)?;
        let account = self.account().await?;
        let as_of = self.auth.clock.now();
        let mut reader = self.auth.store.read().await?;
        let last_login_at =
            reader.user_row(self.user).await?.ok_or(Error::SignedOut)?.last_login_at;
        let sessions = held_page(&mut reader, self.user, SessionId(Uuid::max())).await?;
        let events = self.events(&mut reader, &Part::first(MOST_EVENTS)).await?;
        let has_older_sessions = sessions.len() == SESSIONS_PER_PAGE;
        Ok(Everything {
            as_of,
            account,
            last_login_at,
            sessions,
            has_older_sessions,
            events: events.items,
            next_cursor: events.next_cursor,
        })
    }

    /// The sessions that are older than those of an export, if there can be any.
    #[must_use]
    pub fn older_sessions(&self, everything: &Everything) -> Option<OlderSessions> {
        let last = everything.sessions.last().filter(|_| everything.has_older_sessions)?;
        Some(OlderSessions { store: self.auth.store.clone(), user: self.user, before: last.id })
    }

    /// Has the account deleted after [`DELETION_GRACE`], for somebody who knows the password, and
    /// ends all other sessions. Asking again does not put it off.
    ///
    /// [`Error::LastAdmin`]: nobody would be left to look after accounts.
    pub async fn delete_account(&self, form: &DeleteAccount) -> Result<Account, Error> {
        let current = form.check()?;
        let permit = self.permit(LimitedAction::AccountDeletion)?;
        let user = self.read_user().await?;
        let proven = self.prove(&user, current, EventKind::DeletionRefused).await?;
        let asked = self.delete_proven(permit, &proven, &user).await;
        proven.settle(self.auth, asked).await?;
        self.read_account().await
    }

    async fn delete_proven(
        &self,
        permit: Permit,
        proven: &Proven<'_>,
        user: &User,
    ) -> Result<(), Error> {
        let (mut tx, now) = self.begin(permit).await?;
        let is_admin = super::issue::roles(&user.roles).contains(&Role::Admin);
        if is_admin {
            tx.installation_lock().await?;
        }
        let Some(is_new) = tx.user_delete_later(proven.verified, now + DELETION_GRACE).await?
        else {
            return Err(wrong());
        };
        if is_admin && !tx.user_has_admin().await? {
            return Err(Error::LastAdmin);
        }
        proven.attempt.succeed(&mut tx, now).await?;
        let ended =
            tx.session_revoke_others(self.user, self.session, "deletion_asked", now).await?;
        // Asking again changes nothing, and is not recorded.
        if is_new || !ended.is_empty() {
            self.auth
                .record(
                    &mut tx,
                    &self.client,
                    now,
                    Happened::own(EventKind::DeletionAsked, self.user, self.session),
                )
                .await?;
        }
        let news: Vec<_> = ended.into_iter().map(News::SessionEnded).collect();
        self.auth.commit_with(tx, &news, now).await
    }

    /// Keeps the account that was to be deleted. It is no error if it was not to be.
    pub async fn keep_account(&self) -> Result<Account, Error> {
        let account = self.read_account().await?;
        if account.deletes_at.is_none() {
            return Ok(account);
        }
        let (mut tx, now) = self.begin(self.permit(LimitedAction::AccountDeletion)?).await?;
        if tx.user_keep(self.user).await? {
            self.auth
                .record(
                    &mut tx,
                    &self.client,
                    now,
                    Happened::own(EventKind::DeletionCancelled, self.user, self.session),
                )
                .await?;
            tx.commit().await?;
        }
        self.read_account().await
    }
}

/// The rest of the sessions of an export, read a page at a time while it is written.
pub struct OlderSessions {
    store: Store,
    user: UserId,
    before: SessionId,
}

impl OlderSessions {
    /// The next page, the newest first; it is empty after the last one. The database is not held
    /// between two pages.
    pub async fn next_page(&mut self) -> Result<Vec<HeldSession>, Error> {
        let page = held_page(&mut self.store.read().await?, self.user, self.before).await?;
        if let Some(last) = page.last() {
            self.before = last.id;
        }
        Ok(page)
    }
}

async fn held_page(
    reader: &mut Reader,
    user: UserId,
    before: SessionId,
) -> Result<Vec<HeldSession>, Error> {
    let limit = i64::try_from(SESSIONS_PER_PAGE).unwrap_or(i64::MAX);
    Ok(reader.session_held(user, before, limit).await?.into_iter().map(held).collect())
}

fn held(row: HeldRow) -> HeldSession {
    HeldSession {
        id: row.id,
        device: row.device,
        address: row.address,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        ended_at: row.revoked_at,
    }
}
