//! Change of the email address: the request, the change with the code from the new address, and the
//! return to the previous address.
//!
//! Nothing changes before the code or link is used. A verified previous address then gets a notice
//! with a link that takes the account back. As long as it works, no account with that address is
//! created unless its owner has verified it. The link itself is used by [`Auth::secure_account`].

use crate::{
    Auth, Error, LimitedAction, SignedIn,
    accounts::store::User,
    audit::AuditEntry,
    mail::{MailContent, MailRecipient, Notice, Origin, QueuedMail},
    one_time_links::{LinkOwner, LinkPurpose},
    passwords::change::{PasswordProof, incorrect_password},
    rate_limit::throttling::Permit,
};
use countersign_types::{
    Email, EventKind, Field, FieldError, FieldErrors, LinkId, TimeSpan, forms::ChangeEmailForm,
    views::Account,
};

impl SignedIn<'_> {
    /// Sends a link and a code to a new address of the account. It requires the current password. A
    /// newer request replaces an older one, except beyond the limits.
    ///
    /// The response is the same whether the new address has an account or not. Beyond the limits
    /// for one address no email is sent. Returns [`FieldError::Unchanged`] for the current address.
    pub async fn request_email_change(&self, form: &ChangeEmailForm) -> Result<(), Error> {
        let (email, current) = form.validate()?;
        self.auth.require_mail()?;
        let permit = self.permit(LimitedAction::EmailChange)?;
        let user = self.read_user().await?;
        if email.lookup_key() == user.email.to_ascii_lowercase() {
            return Err(FieldErrors::from((Field::Email, FieldError::Unchanged)).into());
        }
        let refused = EventKind::EmailChangePasswordFailed;
        let proof = self.verify_current_password(&user, current, refused).await?;
        let requested = self.send_code_to_new_address(permit, &proof, &email).await;
        proof.settle(self.auth, requested).await
    }

    async fn send_code_to_new_address(
        &self,
        permit: Permit,
        proof: &PasswordProof<'_>,
        email: &Email,
    ) -> Result<(), Error> {
        let auth: &Auth = self.auth;
        auth.count_network_action(&self.context, LimitedAction::NetworkMail).await?;
        let (mut tx, now) = self.begin(permit).await?;
        // Locks the row, so that no change of the password misses this link.
        if !tx.user_is_unchanged(proof.verified).await? {
            return Err(incorrect_password());
        }
        proof.attempt.succeed(&mut tx, now).await?;
        let purpose = LinkPurpose::ChangeEmail;
        if auth.count_requested_mail(&mut tx, purpose, email.as_str(), now).await? {
            tx.link_end_for_user(self.user, purpose, now).await?;
            let owner = LinkOwner { user: self.user, email: email.as_str(), session: None };
            let link = auth.create_link_for_user(&mut tx, purpose, &owner, now).await?;
            let (content, recipient) = (MailContent::ChangeEmail, MailRecipient::Address);
            let email = email.as_str();
            let mail = QueuedMail { content, email, recipient, link: Some(link) };
            if !auth.queue_mail(&mut tx, mail, now).await? {
                // Undone, so that the code that was sent before stays valid.
                drop(tx);
                let mut tx = auth.store().write().await?;
                proof.attempt.succeed(&mut tx, now).await?;
                return tx.commit().await;
            }
            let kind = EventKind::EmailChangeRequested;
            let entry = AuditEntry::by_user(kind, self.user, self.session);
            auth.audit(&mut tx, &self.context, now, entry).await?;
        }
        tx.commit().await
    }

    /// Cancels the request to change the address: the link and the code end. It is no error if
    /// there is none.
    pub async fn cancel_email_change(&self) -> Result<Account, Error> {
        let (mut tx, now) = self.begin(self.permit(LimitedAction::EmailChange)?).await?;
        tx.user_lock(self.user).await?;
        if tx.link_end_for_user(self.user, LinkPurpose::ChangeEmail, now).await? > 0 {
            let kind = EventKind::EmailChangeCancelled;
            let entry = AuditEntry::by_user(kind, self.user, self.session);
            self.auth.audit(&mut tx, &self.context, now, entry).await?;
        }
        tx.commit().await?;
        self.read_changed_account().await
    }

    /// Changes the address with a link that was sent to the new one. It counts as verified. The
    /// links to reset the password and to verify the address end, because they went to the previous
    /// one.
    pub(crate) async fn use_email_change(
        &self,
        permit: Permit,
        user: &User,
        link: LinkId,
    ) -> Result<(), Error> {
        let (purpose, auth) = (LinkPurpose::ChangeEmail, self.auth);
        let (mut tx, now) = self.begin(permit).await?;
        let row = tx.link_to_address(link, purpose, now).await?;
        let row = row.filter(|row| row.owner == Some(self.user)).ok_or(Error::LinkExpired)?;
        if !tx.user_change_email(self.user, &user.email, &row.email, now).await? {
            // Distinguishes a taken address from an account that has changed meanwhile.
            let taken = row.user_id.is_some_and(|other| other != self.user);
            return Err(if taken { Error::EmailTaken } else { Error::LinkExpired });
        }
        if !tx.link_use(link, purpose, now).await? {
            return Err(Error::LinkExpired);
        }
        for ended in [LinkPurpose::ResetPassword, LinkPurpose::VerifyEmail] {
            tx.link_end_for_user(self.user, ended, now).await?;
        }
        // Back at an address, its link that restores it is void.
        tx.link_end_restoring(self.user, &row.email.to_ascii_lowercase(), now).await?;
        tx.pending_delete_for_user(self.user).await?;
        tx.pending_delete_for_address(&row.email.to_ascii_lowercase()).await?;
        let entry = AuditEntry::by_user(EventKind::EmailChanged, self.user, self.session);
        auth.audit(&mut tx, &self.context, now, entry).await?;
        // An address that was never verified may be that of another person, who must neither learn
        // of the account nor get it.
        if user.email_verified_at.is_some() {
            let origin = Origin::new(&self.context, now);
            let notice = Notice {
                content: MailContent::EmailChanged { new_email: row.email, origin },
                owner: LinkOwner {
                    user: self.user,
                    email: &user.email,
                    session: Some(self.session),
                },
            };
            // Later than that of an earlier change, also if the clocks of two nodes differ.
            let newest = tx.link_newest_restoring(self.user).await?;
            let at = newest.map_or(now, |newest| now.max(newest + TimeSpan(1)));
            auth.queue_notice(&mut tx, notice, at).await?;
        }
        tx.commit().await
    }
}
