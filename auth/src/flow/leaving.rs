//! Leaving: taking along what is stored of oneself, and deleting one's account. The account is deleted only after a time in which its owner can
//! think better of it, or notice that it was somebody else who asked. (GDPR, articles 15, 17 and 20.)

use super::{Auth, Happened, SignedIn, part::Part, password::wrong};
use crate::{
    Client, Error,
    store::{events::Outcome, feed::News, sessions::HeldRow},
};
use contract::{
    Timestamp, UserId,
    form::DeleteAccount,
    view::{Account, DELETION_GRACE, EventKind, Everything, HeldSession, Role},
};

/// How many events go along: what fits into one answer. The others are in the list of activity.
const MOST_EVENTS: usize = 5_000;

/// No token has a higher epoch: whatever was issued to somebody who is gone is refused.
const AFTER_ALL: i64 = i64::MAX;

impl SignedIn<'_> {
    /// What is stored about them, as far as it is theirs to see: see [`Everything`].
    pub async fn everything(&self) -> Result<Everything, Error> {
        let account = self.account().await?;
        let as_of = self.auth.clock.now();
        let mut reader = self.auth.store.read().await?;
        let last_login_at = reader.user_row(self.user).await?.ok_or(Error::SignedOut)?.last_login_at;
        let sessions = reader.session_held(self.user).await?.into_iter().map(held).collect();
        let events = self.events(&mut reader, &Part::first(MOST_EVENTS)).await?;
        Ok(Everything { as_of, account, last_login_at, sessions, events: events.items, next_cursor: events.next_cursor })
    }

    /// Has the account deleted after [`DELETION_GRACE`], for somebody who knows the password, and ends all other sessions. Asking again does not put
    /// it off.
    ///
    /// [`Error::LastAdmin`]: nobody would be left to look after accounts.
    pub async fn delete_account(&self, form: &DeleteAccount) -> Result<Account, Error> {
        let current = form.check()?;
        let user = self.read_user().await?;
        let proven = self.prove(&user, current, EventKind::DeletionRefused).await?;
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        let is_admin = super::issue::roles(&user.roles).contains(&Role::Admin);
        if is_admin {
            tx.user_lock_admins().await?;
        }
        if !tx.user_delete_later(proven.verified, now + DELETION_GRACE).await? {
            return Err(wrong());
        }
        if is_admin && tx.user_lock_admins().await? == 0 {
            drop(tx);
            // The password was right all the same.
            let mut tx = self.auth.store.write().await?;
            proven.forget_tries(&mut tx).await?;
            tx.commit().await?;
            return Err(Error::LastAdmin);
        }
        proven.forget_tries(&mut tx).await?;
        let ended = tx.session_revoke_others(self.user, self.session, "deletion_asked", now).await?;
        self.auth.record(&mut tx, &self.client, now, Happened::own(EventKind::DeletionAsked, self.user, self.session)).await?;
        let news: Vec<_> = ended.into_iter().map(News::SessionEnded).collect();
        self.auth.commit_with(tx, &news, now).await?;
        self.read_account().await
    }

    /// Keeps the account that was to be deleted. It is no error if it was not to be.
    pub async fn keep_account(&self) -> Result<Account, Error> {
        let now = self.auth.clock.now();
        let mut tx = self.auth.store.write().await?;
        if tx.user_keep(self.user).await? {
            self.auth.record(&mut tx, &self.client, now, Happened::own(EventKind::DeletionCancelled, self.user, self.session)).await?;
            tx.commit().await?;
        }
        self.read_account().await
    }
}

impl Auth {
    /// Deletes the accounts whose time has come, each with its sessions and all that was recorded of it but the fact. Their tokens are refused at
    /// once.
    pub(super) async fn delete_accounts(&self, now: Timestamp) -> Result<(), Error> {
        let due = self.store.read().await?.users_to_be_deleted(now).await?;
        let mut failed = None;
        for user in due {
            // One that cannot be deleted does not keep the others.
            failed = self.delete(user, now).await.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }

    /// In parts, so that nobody who wants to write waits long. Cut off in between, it goes on where it was in the next round: the account goes last.
    async fn delete(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        let acted = self.store.read().await?.events_by(user).await?;
        for part in acted.chunks(200) {
            let mut tx = self.store.write().await?;
            for event in part {
                tx.event_blur(*event).await?;
            }
            tx.commit().await?;
        }
        loop {
            let mut tx = self.store.write().await?;
            let forgotten = tx.event_forget(user).await?;
            if forgotten > 0 {
                tx.commit().await?;
                continue;
            }
            // Kept at the last moment, or another node was quicker.
            if tx.user_delete(user, now).await? {
                let happened = Happened { kind: EventKind::Deleted, outcome: Outcome::Done, actor: None, target: Some(user), session: None };
                self.record(&mut tx, &Client::default(), now, happened).await?;
                self.commit_with(tx, &[News::EpochRaised(user, AFTER_ALL)], now).await?;
            }
            return Ok(());
        }
    }
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
