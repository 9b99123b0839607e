//! Password reset with a link or a code that is sent to the address of the account, and the link
//! "This wasn't me" of notices.
//!
//! A request for an address without an account does the same work and gets the same response (ASVS
//! 5.0 6.3.8). Only the use of the link changes the account, and no session begins.

use crate::{
    Auth, Error, LimitedAction, RequestContext,
    audit::AuditEntry,
    mail::{MailContent, MailRecipient, Notice, Origin, QueuedMail},
    one_time_links::{LinkOwner, LinkPurpose, LinkToken, store::LinkRow},
    passwords::{hasher::Priority, strength::too_weak},
    store::change_feed::Change,
};
use countersign_types::{
    DisplayName, Email, EventKind, Field, LinkId, SessionId,
    forms::{ForgotPasswordForm, ResetPasswordForm},
};
use uuid::Uuid;

/// The links that [`Auth::secure_account`] accepts.
const SECURING: [LinkPurpose; 2] = [LinkPurpose::SecureAccount, LinkPurpose::RestoreEmail];

impl Auth {
    /// Sends a link and a code to reset the password, if the address has an account. Returns the
    /// id of the link, which the form for the code needs; it is no secret.
    ///
    /// Beyond the limits for one address no email is sent, and the response is the same.
    pub async fn request_password_reset(
        &self,
        context: &RequestContext,
        form: &ForgotPasswordForm,
    ) -> Result<LinkId, Error> {
        self.require_mail()?;
        let email = form.validate()?;
        self.count_network_action(context, LimitedAction::NetworkMail).await?;
        let purpose = LinkPurpose::ResetPassword;
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        if !self.count_requested_mail(&mut tx, purpose, email.as_str(), now).await? {
            // The page goes on with the email that was sent before.
            let last = tx.link_last(&email.lookup_key(), purpose).await?;
            tx.commit().await?;
            return last.map_or_else(|| Ok(LinkId(self.new_id(now)?)), Ok);
        }
        let link = self
            .create_link_for_address(&mut tx, purpose, (email.as_str(), &email.lookup_key()), now)
            .await?;
        let mail = QueuedMail {
            content: MailContent::ResetPassword,
            email: email.as_str(),
            recipient: MailRecipient::AccountOfLink,
            link: Some(link),
        };
        if !self.queue_mail(&mut tx, mail, now).await? {
            // Undone, so that the link that was sent before stays valid.
            drop(tx);
            let last = self.store().read().await?.link_last(&email.lookup_key(), purpose).await?;
            return last.map_or_else(|| Ok(LinkId(self.new_id(now)?)), Ok);
        }
        tx.commit().await?;
        Ok(link)
    }

    /// Sets a new password with the token of a link. All sessions, device cookies and links of the
    /// account end, and the address counts as verified. No session begins (ASVS 5.0 6.4.3).
    ///
    /// Returns [`Error::LinkExpired`] if the link is invalid, expired, used or superseded. The link
    /// stays valid after any other error.
    pub async fn reset_password(
        &self,
        context: &RequestContext,
        token: &str,
        form: &ResetPasswordForm,
    ) -> Result<(), Error> {
        let purpose = LinkPurpose::ResetPassword;
        let id = self.link_id(token, purpose)?;
        let slot = self.reserve_hash_slot(context, Priority::Anonymous, Some(id.0.as_bytes()))?;
        let link = self.valid_link(id, purpose).await?;
        let LinkRow { user_id: user, email, name, .. } = &link;
        let parsed = Email::parse(email).ok();
        let password = form.validate(parsed.as_ref())?;
        let hash = match parsed {
            Some(email) => {
                let name = name.as_deref().and_then(|name| DisplayName::parse(name).ok().flatten());
                self.hasher().hash_new(password, *user, email, name, slot).await?
            }
            None => Ok(self.hasher().hash(password, *user, slot).await?),
        };
        let hash = hash.map_err(too_weak(Field::NewPassword))?;
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        // First the row of the account: its lock excludes changes that end the link. An error
        // undoes the transaction, so the link is used only if the password is set.
        let reset = tx.user_reset_password(*user, &hash, now).await?;
        let (epoch, is_newly_verified) = reset.ok_or(Error::LinkExpired)?;
        if !tx.link_use(id, purpose, now).await? {
            return Err(Error::LinkExpired);
        }
        tx.link_end_all_except_restoring(*user, now).await?;
        tx.session_revoke_others(*user, SessionId(Uuid::nil()), "password_reset", now).await?;
        self.audit(
            &mut tx,
            context,
            now,
            AuditEntry::by_owner(EventKind::PasswordReset, *user, None),
        )
        .await?;
        if is_newly_verified {
            let entry = AuditEntry::by_owner(EventKind::EmailVerified, *user, None);
            self.audit(&mut tx, context, now, entry).await?;
        }
        let notice = Notice {
            content: MailContent::PasswordReset(Origin::new(context, now)),
            owner: LinkOwner { user: *user, email, session: None },
        };
        self.queue_notice(&mut tx, notice, now).await?;
        self.commit_and_publish(tx, &[Change::EpochRaised(*user, epoch)], now).await
    }

    /// Ends the session that a notice is about, or all sessions if it names none, removes the
    /// password, cancels a scheduled deletion, and returns the token of a link to set a new
    /// password, which is valid at once.
    ///
    /// If the address of the account has changed since the notice, the previous one is restored,
    /// all sessions end, and so do all newer links: they may have gone to an attacker. An older
    /// link always prevails. The address is not restored if another account has it.
    ///
    /// Returns [`Error::LinkExpired`] as [`Auth::reset_password`] does.
    pub async fn secure_account(
        &self,
        context: &RequestContext,
        token: &str,
    ) -> Result<String, Error> {
        let LinkToken { purpose, id } = LinkToken::decode(self.secret(), token)
            .filter(|token| SECURING.contains(&token.purpose))
            .ok_or(Error::LinkExpired)?;
        let user = self.valid_link(id, purpose).await?.user_id;
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        let mut changes = Vec::new();
        // An error undoes the transaction, so everything happens if the link is used, or nothing.
        // The password may be known to an attacker, who could log in again and, by changing it,
        // end the link to reset it. The row of the account is locked first, as in a reset.
        if !tx.user_forget_password(user).await? {
            return Err(Error::LinkExpired);
        }
        // Read again: the address can have changed before the lock.
        let link = tx.link_valid(id, purpose, now).await?.ok_or(Error::LinkExpired)?;
        let LinkRow { user_id: user, session_id, email, link_email, .. } = &link;
        if tx.user_cancel_deletion(*user).await? {
            let entry = AuditEntry::by_owner(EventKind::DeletionCancelled, *user, *session_id);
            self.audit(&mut tx, context, now, entry).await?;
        }
        let is_moved = !email.eq_ignore_ascii_case(link_email);
        let mut restored_since = None;
        if is_moved {
            // Only a verified address of the last days returns. An older link gives no access.
            let key = link_email.to_ascii_lowercase();
            let since = tx.link_restorable_since(*user, &key, now).await?;
            let since = since.ok_or(Error::LinkExpired)?;
            let is_free = tx.user_change_email(*user, email, link_email, now).await?;
            restored_since = Some(since).filter(|_| is_free);
        }
        let session_id = session_id.filter(|_| !is_moved);
        if session_id.is_none() {
            let epoch = tx.user_raise_epoch(*user).await?.ok_or(Error::LinkExpired)?;
            changes.push(Change::EpochRaised(*user, epoch));
        }
        if !tx.link_use(id, purpose, now).await? {
            return Err(Error::LinkExpired);
        }
        if let Some(since) = restored_since {
            tx.link_end_all_newer(*user, since, now).await?;
        } else {
            for ended in [LinkPurpose::ResetPassword, LinkPurpose::ChangeEmail] {
                tx.link_end_for_user(*user, ended, now).await?;
            }
        }
        tx.pending_delete_for_user(*user).await?;
        let purpose = LinkPurpose::ResetPassword;
        let email = if restored_since.is_some() { link_email } else { email };
        let owner = LinkOwner { user: *user, email, session: None };
        let reset = LinkToken {
            purpose,
            id: self.create_link_for_user(&mut tx, purpose, &owner, now).await?,
        };
        tx.link_start_validity(reset.id, purpose, false, now).await?;
        if let Some(session) = session_id {
            if tx.session_revoke_own(session, *user, "reported", now).await? {
                changes.push(Change::SessionRevoked(session));
            }
        } else {
            let none = SessionId(Uuid::nil());
            tx.session_revoke_others(*user, none, "reported", now).await?;
        }
        self.audit(
            &mut tx,
            context,
            now,
            AuditEntry::by_owner(EventKind::ActivityReported, *user, session_id),
        )
        .await?;
        if restored_since.is_some() {
            let entry = AuditEntry::by_owner(EventKind::EmailRestored, *user, session_id);
            self.audit(&mut tx, context, now, entry).await?;
        }
        self.commit_and_publish(tx, &changes, now).await?;
        Ok(reset.encode(self.secret()))
    }
}
