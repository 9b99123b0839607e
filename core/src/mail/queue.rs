//! Queueing emails in the transaction of their cause.

use crate::{
    Auth, Error, LimitedAction, RequestContext,
    mail::{
        content::{MailContent, Origin},
        mailer::MailStatistics,
        store::NewMail,
    },
    one_time_links::{LinkOwner, LinkPurpose},
    store::WriteTransaction,
};
use countersign_types::{LinkId, MailId, Timestamp, UserId};
use std::sync::atomic::{AtomicU64, Ordering};

/// Maximum number of queued emails. Beyond it, requests that need an email are rejected with 503.
pub(super) const MAX_QUEUED: u64 = 100_000;
/// Seconds until a client that was rejected because of [`MAX_QUEUED`] may retry.
const RETRY_AFTER: u32 = 60;

/// Whom an email is for.
#[derive(Clone, Copy)]
pub(crate) enum MailRecipient {
    /// An account. The email is deleted with it.
    User(UserId),
    /// The account of the link, at its address when the email is sent. Without an account nothing
    /// is sent.
    AccountOfLink,
    /// An address, whether it has an account or not.
    Address,
}

/// An email to be queued.
pub(crate) struct QueuedMail<'a> {
    pub(crate) content: MailContent,
    /// The recipient, for the limit of emails to one address.
    pub(crate) email: &'a str,
    pub(crate) recipient: MailRecipient,
    pub(crate) link: Option<LinkId>,
}

/// A notice to the owner of an account about a change.
pub(crate) struct Notice<'a> {
    pub(crate) content: MailContent,
    /// The account after the change, and the session that made it, which the owner can end.
    pub(crate) owner: LinkOwner<'a>,
}

impl Origin {
    /// The origin of a request at `now`.
    ///
    /// A client chooses the name of its device. One that looks like a domain is left out, because
    /// mail programs would make it a link.
    pub(crate) fn new(context: &RequestContext, now: Timestamp) -> Self {
        let is_safe =
            |name: &&str| !name.contains('.') || name.split(' ').next() == Some("Node.js");
        Self {
            at: now,
            device: context.device.as_deref().filter(is_safe).map(str::to_owned),
            address: context.address.map(|address| address.to_string()),
        }
    }
}

impl Auth {
    /// Whether this server sends email.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.mailer().is_some()
    }

    /// Returns the counters; `None` if this server sends no email.
    #[must_use]
    pub fn mail_statistics(&self) -> Option<MailStatistics> {
        let mailer = self.mailer()?;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let oldest = Timestamp(mailer.oldest_queued.load(Ordering::Relaxed));
        let age = self.clock().now().since(oldest).as_seconds();
        Some(MailStatistics {
            sent: load(&mailer.sent),
            deferred: load(&mailer.deferred),
            failed: load(&mailer.failed),
            queued: load(&mailer.queued),
            oldest_queued_seconds: u64::try_from(age).unwrap_or(0),
        })
    }

    /// Returns [`Error::MailDisabled`] if this server sends no email, or [`Error::Overloaded`] if
    /// too many emails are queued.
    pub(crate) fn require_mail(&self) -> Result<(), Error> {
        let mailer = self.mailer().ok_or(Error::MailDisabled)?;
        if mailer.queued.load(Ordering::Relaxed) >= MAX_QUEUED {
            return Err(Error::Overloaded { retry_after: RETRY_AFTER });
        }
        Ok(())
    }

    /// Queues an email in the transaction of its cause. Returns `false` and queues nothing beyond
    /// the limit of emails to one address.
    pub(crate) async fn queue_mail(
        &self,
        tx: &mut WriteTransaction,
        mail: QueuedMail<'_>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let QueuedMail { content, email, recipient, link } = mail;
        if !self.count_for_address(tx, LimitedAction::AddressMail, email, now).await? {
            tracing::warn!(template = content.name(), "email limit exceeded");
            return Ok(false);
        }
        let content = serde_json::to_string(&content).map_err(Error::internal)?;
        let new = NewMail {
            id: MailId(self.new_id(now)?),
            content: &content,
            recipient: (!matches!(recipient, MailRecipient::AccountOfLink)).then_some(email),
            user: match recipient {
                MailRecipient::User(user) => Some(user),
                MailRecipient::AccountOfLink | MailRecipient::Address => None,
            },
            link,
        };
        tx.outbox_insert(&new, now).await?;
        Ok(true)
    }

    /// Queues a notice to the owner of an account, with a link "This wasn't me". Does nothing if
    /// this server sends no email.
    ///
    /// An address that is not verified may belong to another person, so it gets fewer. Each kind of
    /// notice has its own limit, so that no other action suppresses it.
    pub(crate) async fn queue_notice(
        &self,
        tx: &mut WriteTransaction,
        notice: Notice<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Notice { content, owner } = notice;
        if !self.sends_mail() {
            return Ok(());
        }
        if !tx.user_email_is_verified(owner.user).await? {
            let action = LimitedAction::UnverifiedNotice;
            let kind = format!("{} {}", content.name(), owner.email);
            if !self.count_for_address(tx, action, &kind, now).await? {
                tracing::warn!(template = content.name(), "email limit exceeded");
                return Ok(());
            }
        }
        let purpose = content.link_purpose().unwrap_or(LinkPurpose::SecureAccount);
        let link = self.create_link_for_user(tx, purpose, &owner, now).await?;
        let recipient = MailRecipient::User(owner.user);
        let mail = QueuedMail { content, email: owner.email, recipient, link: Some(link) };
        self.queue_mail(tx, mail, now).await.map(drop)
    }
}
