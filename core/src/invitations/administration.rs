//! Invitations as administrators create, list and revoke them.

use crate::{
    Error, LimitedAction,
    admin::Admin,
    audit::{AuditEntry, store::Outcome},
    invitations::store::InvitationRow,
    mail::{MailContent, MailRecipient, QueuedMail},
    one_time_links::{LinkPurpose, LinkToken},
    pagination::PageRequest,
};
use countersign_types::{
    Email, EventKind, LinkId,
    views::{Invitation, NewInvitation, Paginated},
};

/// Maximum number of invitations that are open at the same time.
pub const MAX_OPEN_INVITATIONS: i64 = 1_000;

impl Admin<'_> {
    /// Invites a person to sign up with an address, and sends an email if this server sends any.
    /// An earlier invitation of the address ends.
    ///
    /// Returns [`Error::EmailTaken`] if the address has an account,
    /// [`Error::TooManyInvitations`] beyond [`MAX_OPEN_INVITATIONS`], and [`Error::RateLimited`]
    /// beyond the limits of emails to one address.
    pub async fn invite(&self, email: &Email) -> Result<NewInvitation, Error> {
        let auth = self.auth();
        auth.require_invitations()?;
        let (purpose, address, key) = (LinkPurpose::Invitation, email.as_str(), email.lookup_key());
        let email_sent = auth.sends_mail();
        if email_sent {
            auth.require_mail()?;
        }
        let (mut tx, now) = self.begin(self.permit()?).await?;
        // Serializes invitations, so that the maximum is exact and one per address is open.
        tx.installation_lock().await?;
        if tx.user_by_email(&key).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        if email_sent {
            for action in [LimitedAction::RepeatedMail, LimitedAction::RequestedMail] {
                let subject = format!("{} {address}", purpose.as_str());
                auth.take_for_address(&mut tx, self.context(), action, &subject, now).await?;
            }
        }
        let id = auth.create_link_for_address(&mut tx, purpose, (address, &key), now).await?;
        // Valid at once, for the administrator. Sending the email starts the lifetime again.
        tx.link_start_validity(id, purpose, false, now).await?;
        if tx.invitation_count(now, MAX_OPEN_INVITATIONS + 1).await? > MAX_OPEN_INVITATIONS {
            return Err(Error::TooManyInvitations);
        }
        if email_sent {
            let (content, recipient) = (MailContent::Invitation, MailRecipient::Address);
            let mail = QueuedMail { content, email: address, recipient, link: Some(id) };
            if !auth.queue_mail(&mut tx, mail, now).await? {
                // Returns the error of the limit, with the time until the next email.
                let action = LimitedAction::AddressMail;
                auth.take_for_address(&mut tx, self.context(), action, address, now).await?;
            }
        }
        auth.audit(&mut tx, self.context(), now, self.entry(EventKind::InvitationCreated)).await?;
        tx.commit().await?;
        let invitation = Invitation {
            id,
            email: address.to_owned(),
            created_at: now,
            expires_at: now + purpose.ttl(),
        };
        let link = auth.link_url(LinkToken { purpose: LinkPurpose::SharedInvitation, id });
        Ok(NewInvitation { invitation, link, email_sent })
    }

    /// Returns the invitations that can be used, newest first: at most `limit` (1 to
    /// [`crate::pagination::MAX_PAGE_SIZE`]) created before the one that `cursor` names.
    pub async fn invitations(
        &self,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Paginated<Invitation>, Error> {
        let request = PageRequest::new(limit, cursor)?;
        let mut reader = self.auth().store().read().await?;
        let (now, before) = (self.auth().clock().now(), LinkId(request.before));
        let rows = reader.invitation_list(now, before, request.rows()).await?;
        let page = request.page(rows, |row| row.id.0);
        let items = page.items.into_iter().map(view).collect();
        Ok(Paginated { items, next_cursor: page.next_cursor })
    }

    /// Revokes an invitation. Returns [`Error::NotFound`] if it does not exist or has ended.
    pub async fn revoke_invitation(&self, id: LinkId) -> Result<(), Error> {
        let (mut tx, now) = self.begin(self.permit()?).await?;
        if !tx.invitation_revoke(id, now).await? {
            return Err(Error::NotFound);
        }
        let entry = self.entry(EventKind::InvitationRevoked);
        self.auth().audit(&mut tx, self.context(), now, entry).await?;
        tx.commit().await
    }

    /// Returns an audit event about an invitation. An invited person has no account, so the event
    /// is part of the administrator's own activity.
    fn entry(&self, kind: EventKind) -> AuditEntry {
        let (actor, session) = (self.actor(), self.session());
        AuditEntry { kind, outcome: Outcome::Done, actor, target: actor, session }
    }
}

fn view(row: InvitationRow) -> Invitation {
    let InvitationRow { id, email, created_at, expires_at } = row;
    Invitation { id, email, created_at, expires_at }
}
