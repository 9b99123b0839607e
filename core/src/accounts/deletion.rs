//! Account deletion, after a grace period in which the owner can cancel it. (GDPR, article 17.)

use crate::{
    Error, LimitedAction, SignedIn,
    accounts::store::User,
    audit::AuditEntry,
    mail::{MailContent, Notice, Origin},
    one_time_links::LinkOwner,
    passwords::change::{PasswordProof, incorrect_password},
    rate_limit::throttling::Permit,
    store::change_feed::Change,
};
use countersign_types::{
    EventKind,
    forms::CurrentPasswordForm,
    views::{Account, DELETION_GRACE_PERIOD, Role},
};

impl SignedIn<'_> {
    /// Schedules the deletion of the account after [`DELETION_GRACE_PERIOD`], and revokes all other
    /// sessions. It requires the password. A second request does not postpone the deletion.
    ///
    /// Returns [`Error::LastAdmin`] if no active administrator would be left.
    pub async fn delete_account(&self, form: &CurrentPasswordForm) -> Result<Account, Error> {
        let current = form.validate()?;
        let permit = self.permit(LimitedAction::AccountDeletion)?;
        let user = self.read_user().await?;
        let proof =
            self.verify_current_password(&user, current, EventKind::DeletionPasswordFailed).await?;
        let asked = self.schedule_deletion(permit, &proof, &user).await;
        proof.settle(self.auth, asked).await?;
        self.read_changed_account().await
    }

    async fn schedule_deletion(
        &self,
        permit: Permit,
        proof: &PasswordProof<'_>,
        user: &User,
    ) -> Result<(), Error> {
        let (mut tx, now) = self.begin(permit).await?;
        let is_admin = user.roles.contains(Role::Admin);
        if is_admin {
            tx.installation_lock().await?;
        }
        let Some(is_new) =
            tx.user_schedule_deletion(proof.verified, now + DELETION_GRACE_PERIOD).await?
        else {
            return Err(incorrect_password());
        };
        if is_admin && !tx.has_active_admin().await? {
            return Err(Error::LastAdmin);
        }
        proof.attempt.succeed(&mut tx, now).await?;
        let ended =
            tx.session_revoke_others(self.user, self.session, "deletion_requested", now).await?;
        // A second request changes nothing and is not recorded.
        if is_new || !ended.is_empty() {
            self.auth
                .audit(
                    &mut tx,
                    &self.context,
                    now,
                    AuditEntry::by_user(EventKind::DeletionRequested, self.user, self.session),
                )
                .await?;
        }
        if is_new {
            let notice = Notice {
                content: MailContent::DeletionRequested {
                    delete_at: now + DELETION_GRACE_PERIOD,
                    origin: Origin::new(&self.context, now),
                },
                owner: LinkOwner {
                    user: self.user,
                    email: &user.email,
                    session: Some(self.session),
                },
            };
            self.auth.queue_notice(&mut tx, notice, now).await?;
        }
        let changes: Vec<_> = ended.into_iter().map(Change::SessionRevoked).collect();
        self.auth.commit_and_publish(tx, &changes, now).await
    }

    /// Cancels a scheduled deletion. It is no error if none is scheduled.
    pub async fn cancel_deletion(&self) -> Result<Account, Error> {
        let account = self.read_account().await?;
        if account.deletion_scheduled_at.is_none() {
            return Ok(account);
        }
        let (mut tx, now) = self.begin(self.permit(LimitedAction::AccountDeletion)?).await?;
        if tx.user_cancel_deletion(self.user).await? {
            self.auth
                .audit(
                    &mut tx,
                    &self.context,
                    now,
                    AuditEntry::by_user(EventKind::DeletionCancelled, self.user, self.session),
                )
                .await?;
            let notice = Notice {
                content: MailContent::DeletionCancelled(Origin::new(&self.context, now)),
                owner: LinkOwner {
                    user: self.user,
                    email: &account.email,
                    session: Some(self.session),
                },
            };
            self.auth.queue_notice(&mut tx, notice, now).await?;
            tx.commit().await?;
        }
        self.read_changed_account().await
    }
}
