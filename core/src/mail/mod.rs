//! Email: what is sent, the outbox, and its delivery.
//!
//! An email is written to the outbox in the transaction of the change that causes it, so that
//! neither exists without the other. A background task leases due emails, renders and sends them.
//! A request never waits for a mail server.
//!
//! An email is sent at most once per lease, and it is never lost: if the process is killed between
//! sending and recording it, the email is sent again when the lease ends. A failed attempt is
//! repeated with backoff, [`MAX_ATTEMPTS`] times within a day. Then the email counts as failed and
//! stays in the outbox for the operator.
//!
//! What the links in emails do is not here but in [`crate::one_time_links`].

pub(crate) mod content;
pub(crate) mod message;
mod operator;
mod rendering;
pub(crate) mod store;
pub(crate) mod transport;
mod words;

pub use content::{MailContent, Origin};
pub use store::OutboxRow;
#[cfg(any(test, feature = "testing"))]
pub use transport::memory::{Mailbox as MemoryMailbox, SentMail};
pub use transport::{InvalidTransport, MailTransport};

use crate::{
    Auth, Error, LimitedAction, RequestContext, error_chain,
    mail::{
        message::{Message, Sender},
        rendering::{MailContext, MailLink},
        store::{LeasedMail, NewMail},
        transport::SendError,
    },
    one_time_links::{LinkOwner, LinkPurpose, LinkToken},
    store::WriteTransaction,
};
use countersign_types::{LinkId, MailId, TimeSpan, Timestamp, UserId};
use futures::future::join_all;
use lettre::message::Mailbox;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Maximum number of attempts to send an email.
pub(crate) const MAX_ATTEMPTS: usize = 8;
/// Delays after the first and each further attempt, before jitter: about a day together.
const BACKOFF: [TimeSpan; MAX_ATTEMPTS - 1] = [
    TimeSpan::minutes(1),
    TimeSpan::minutes(5),
    TimeSpan::minutes(20),
    TimeSpan::minutes(60),
    TimeSpan::minutes(3 * 60),
    TimeSpan::minutes(6 * 60),
    TimeSpan::minutes(12 * 60),
];
/// How long a node may work on an email before another node may send it: longer than
/// [`transport::SEND_TIMEOUT`].
const LEASE: TimeSpan = TimeSpan::minutes(2);
/// Maximum number of emails that a node sends at the same time.
const MAX_CONCURRENT: u64 = 8;
/// Maximum number of leases in one round of the background task.
const MAX_LEASES: usize = 50;
/// Maximum number of queued emails. Beyond it, requests that need an email are rejected with 503.
pub(crate) const MAX_QUEUED: u64 = 100_000;
/// Seconds until a client that was rejected because of [`MAX_QUEUED`] may retry.
const RETRY_AFTER: u32 = 60;

/// Where emails come from and how they are sent.
#[derive(Clone, Debug)]
pub struct MailConfig {
    transport: MailTransport,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    product: String,
}

/// The sender is not an address such as `Example <accounts@example.com>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as accounts@example.com or Example <accounts@example.com>")]
pub struct InvalidMailbox;

impl MailConfig {
    /// Creates the configuration. `product` is the name that the emails show.
    pub fn new(
        transport: MailTransport,
        from: &str,
        reply_to: Option<&str>,
        product: &str,
    ) -> Result<Self, InvalidMailbox> {
        let mailbox = |text: &str| transport::parse_mailbox(text).ok_or(InvalidMailbox);
        Ok(Self {
            transport,
            from: mailbox(from)?,
            reply_to: reply_to.map(mailbox).transpose()?,
            product: product.to_owned(),
        })
    }
}

impl MailConfig {
    fn sender(&self) -> Sender<'_> {
        Sender { from: &self.from, reply_to: self.reply_to.as_ref() }
    }
}

/// Checks a sender or `Reply-To` address.
pub fn check_mailbox(text: &str) -> Result<(), InvalidMailbox> {
    transport::parse_mailbox(text).map(drop).ok_or(InvalidMailbox)
}

/// What the background task has done since the start of this node, and the state of the outbox as
/// it saw it last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailStatistics {
    /// Emails that a mail server accepted.
    pub sent: u64,
    /// Attempts that will be repeated.
    pub deferred: u64,
    /// Emails that were given up.
    pub failed: u64,
    /// Emails that wait to be sent.
    pub queued: u64,
    /// The age of the oldest of them in seconds.
    pub oldest_queued_seconds: u64,
}

/// The configuration and the counters.
pub(crate) struct Mailer {
    config: MailConfig,
    sent: AtomicU64,
    deferred: AtomicU64,
    failed: AtomicU64,
    queued: AtomicU64,
    /// The creation time of the oldest queued email; `i64::MAX`: none.
    oldest_queued: AtomicI64,
}

impl Mailer {
    pub(crate) fn new(config: MailConfig) -> Self {
        Self {
            config,
            sent: AtomicU64::default(),
            deferred: AtomicU64::default(),
            failed: AtomicU64::default(),
            queued: AtomicU64::default(),
            oldest_queued: AtomicI64::new(i64::MAX),
        }
    }
}

/// An email to be queued.
pub(crate) struct QueuedMail<'a> {
    pub(crate) content: MailContent,
    /// The recipient, for the limit of emails to one address.
    pub(crate) email: &'a str,
    /// The account; `None` if the address need not have one. Then the account of the link decides
    /// whether and where the email is sent.
    pub(crate) user: Option<UserId>,
    pub(crate) link: Option<LinkId>,
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

    /// Queues an email in the transaction of its cause. Beyond the limit of emails to one address,
    /// nothing is queued.
    pub(crate) async fn queue_mail(
        &self,
        tx: &mut WriteTransaction,
        mail: QueuedMail<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let QueuedMail { content, email, user, link } = mail;
        if !self.count_mail_to_address(tx, LimitedAction::AddressMail, email, now).await? {
            tracing::warn!(template = content.name(), "email dropped: too many to one address");
            return Ok(());
        }
        let content = serde_json::to_string(&content).map_err(Error::internal)?;
        let new = NewMail {
            id: MailId(self.new_id(now)?),
            content: &content,
            address: user.map(|_| email),
            user,
            link,
        };
        tx.outbox_insert(&new, now).await
    }

    /// Queues a notice to the owner of an account, with a link "This wasn't me". Does nothing if
    /// this server sends no email.
    pub(crate) async fn queue_notice(
        &self,
        tx: &mut WriteTransaction,
        notice: Notice<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !self.sends_mail() {
            return Ok(());
        }
        let Notice { content, owner } = notice;
        let purpose = LinkPurpose::SecureAccount;
        let link = self.create_link_for_user(tx, purpose, &owner, now).await?;
        let mail =
            QueuedMail { content, email: owner.email, user: Some(owner.user), link: Some(link) };
        self.queue_mail(tx, mail, now).await
    }

    /// Sends all emails that are due. The background task calls it; an error means that the
    /// database failed.
    pub async fn deliver_mail(&self) -> Result<(), Error> {
        let Some(mailer) = self.mailer() else { return Ok(()) };
        for _ in 0..MAX_LEASES {
            let now = self.clock().now();
            let mut reader = self.store().read().await?;
            let (queued, oldest) = reader.outbox_queue_state(MAX_QUEUED).await?;
            mailer.queued.store(u64::try_from(queued).unwrap_or(0), Ordering::Relaxed);
            let oldest = oldest.map_or(i64::MAX, |oldest| oldest.0);
            mailer.oldest_queued.store(oldest, Ordering::Relaxed);
            if queued == 0 || !reader.outbox_has_due(now).await? {
                return Ok(());
            }
            drop(reader);
            let mut tx = self.store().write().await?;
            let leased = tx.outbox_lease(now, now + LEASE, MAX_CONCURRENT).await?;
            tx.commit().await?;
            // A failure does not prevent the others: its email is due again when the lease ends.
            let results = join_all(leased.iter().map(|mail| self.deliver(mailer, mail))).await;
            results.into_iter().collect::<Result<(), Error>>()?;
        }
        Ok(())
    }

    /// Sends one email and records the result.
    async fn deliver(&self, mailer: &Mailer, mail: &LeasedMail) -> Result<(), Error> {
        let Some(message) = self.prepare(mailer, mail).await? else {
            let mut tx = self.store().write().await?;
            tx.outbox_delete(mail).await?;
            return tx.commit().await;
        };
        let result = match message {
            Ok(message) => mailer.config.transport.send(&message).await,
            Err(error) => Err(error),
        };
        let mut tx = self.store().write().await?;
        match result {
            Ok(()) => {
                tx.outbox_delete(mail).await?;
                mailer.sent.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(mail.id = %mail.id, "email sent");
            }
            Err(SendError { is_permanent, status, reason }) => {
                let attempt = usize::try_from(mail.attempts).unwrap_or(usize::MAX);
                let delay = BACKOFF.get(attempt.saturating_sub(1)).filter(|_| !is_permanent);
                let next = match delay {
                    Some(delay) => Some(self.clock().now() + self.with_jitter(*delay)?),
                    None => None,
                };
                tx.outbox_defer(mail, next, &reason).await?;
                let counter = if next.is_some() { &mailer.deferred } else { &mailer.failed };
                counter.fetch_add(1, Ordering::Relaxed);
                // The reason may quote the recipient, so it is not logged: see `mail list`.
                if let Some(next) = next {
                    tracing::warn!(mail.id = %mail.id, attempt, status, next = %next,
                        "email deferred");
                } else {
                    tracing::error!(mail.id = %mail.id, attempt, status, "email failed");
                }
            }
        }
        tx.commit().await
    }

    /// Renders an email, and starts the lifetime of its link. Returns `None` if there is nothing
    /// to send: the address has no account, or the link was used or superseded. The inner error is
    /// that of an email that cannot be rendered.
    async fn prepare(
        &self,
        mailer: &Mailer,
        mail: &LeasedMail,
    ) -> Result<Option<Result<Message, SendError>>, Error> {
        let content: MailContent = match serde_json::from_str(&mail.content) {
            Ok(content) => content,
            Err(error) => return Ok(Some(Err(unusable(&error)))),
        };
        let now = self.clock().now();
        let mut link = None;
        if let (Some(id), Some(purpose)) = (mail.link_id, content.link_purpose()) {
            let mut tx = self.store().write().await?;
            let is_wanted = tx.link_start_validity(id, purpose, now).await?;
            tx.commit().await?;
            if !is_wanted {
                return Ok(None);
            }
            let token = LinkToken { purpose, id };
            link = Some(MailLink {
                url: format!("{}/link?token={}", self.policy().issuer, token.encode(self.secret())),
                code: content.has_code().then(|| token.code(self.secret())),
                valid_minutes: u32::try_from(purpose.ttl().as_seconds() / 60).unwrap_or(0),
            });
        }
        let address = match &mail.address {
            Some(address) => Some(address.clone()),
            None => self.store().read().await?.outbox_account_address(mail).await?,
        };
        let Some(address) = address else { return Ok(None) };
        let site = MailContext {
            product: &mailer.config.product,
            base_url: &self.policy().issuer,
            recipient: &address,
            link: link.as_ref(),
        };
        let sender = mailer.config.sender();
        let rendered = rendering::render(&content, &site);
        Ok(Some(match rendered {
            Ok(rendered) => Message::new(&sender, mail.id, &address, rendered, now)
                .map_err(|error| unusable(&error)),
            Err(error) => Err(unusable(&error)),
        }))
    }

    /// Returns between 80 % and 120 % of a delay.
    fn with_jitter(&self, delay: TimeSpan) -> Result<TimeSpan, Error> {
        let fifth = delay.0 / 5;
        Ok(TimeSpan(delay.0 - fifth + self.random().number_up_to(2 * fifth)?))
    }
}

/// A notice to the owner of an account about a change.
pub(crate) struct Notice<'a> {
    pub(crate) content: MailContent,
    /// The account after the change, and the session that made it, which the owner can end.
    pub(crate) owner: LinkOwner<'a>,
}

impl Origin {
    /// The origin of a request at `now`.
    pub(crate) fn new(context: &RequestContext, now: Timestamp) -> Self {
        Self {
            at: now,
            device: context.device.as_deref().map(str::to_owned),
            address: context.address.map(|address| address.to_string()),
        }
    }
}

/// An email of another version of this program, or an error of this one. It is not repeated.
fn unusable(error: &(dyn std::error::Error + 'static)) -> SendError {
    SendError { is_permanent: true, status: None, reason: error_chain(error) }
}
