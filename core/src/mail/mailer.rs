//! The configuration of email, and the counters of its delivery.

use crate::mail::{
    accent::MailAccent,
    logo::MailLogo,
    message::Sender,
    transport::{MailTransport, parse_mailbox},
};
use lettre::message::Mailbox;
use std::sync::atomic::{AtomicI64, AtomicU64};

/// The sender of emails, and how they are sent.
#[derive(Clone, Debug)]
pub struct MailConfig {
    pub(super) transport: MailTransport,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    pub(super) product: String,
    logo: Option<MailLogo>,
    pub(super) accent: MailAccent,
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
        let mailbox = |text: &str| parse_mailbox(text).ok_or(InvalidMailbox);
        Ok(Self {
            transport,
            from: mailbox(from)?,
            reply_to: reply_to.map(mailbox).transpose()?,
            product: product.to_owned(),
            logo: None,
            accent: MailAccent::default(),
        })
    }

    /// Adds a logo, which replaces the name of the product at the top of the HTML part.
    #[must_use]
    pub fn with_logo(self, logo: Option<MailLogo>) -> Self {
        Self { logo, ..self }
    }

    /// Changes the color of links and buttons in the HTML part.
    #[must_use]
    pub fn with_accent(self, accent: MailAccent) -> Self {
        Self { accent, ..self }
    }
}

impl MailConfig {
    pub(super) fn sender(&self) -> Sender<'_> {
        let (reply_to, logo) = (self.reply_to.as_ref(), self.logo.as_ref());
        Sender { from: &self.from, reply_to, logo }
    }

    pub(super) const fn has_logo(&self) -> bool {
        self.logo.is_some()
    }
}

/// Checks a sender or `Reply-To` address.
pub fn check_mailbox(text: &str) -> Result<(), InvalidMailbox> {
    parse_mailbox(text).map(drop).ok_or(InvalidMailbox)
}

/// Counters of the background task since the start of this node, and the state of the outbox as it
/// was last read.
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
    pub(super) config: MailConfig,
    pub(super) sent: AtomicU64,
    pub(super) deferred: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) queued: AtomicU64,
    /// The creation time of the oldest queued email; `i64::MAX`: none.
    pub(super) oldest_queued: AtomicI64,
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
