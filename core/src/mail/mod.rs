//! Email: what is sent, the outbox, and its delivery.
//!
//! An email is written to the outbox in the transaction of the change that causes it, so that
//! neither exists without the other. A background task leases due emails, renders and sends them.
//! A request never waits for a mail server.
//!
//! An email is sent at most once per lease. If the process is stopped between sending and recording
//! it, the email is sent again when the lease ends: it can arrive twice. There are at most eight
//! attempts, with backoff, in about a day. Then the email counts as failed and stays in the outbox
//! for the operator. An email beyond the limit for one address is not sent, nor is one whose link
//! has ended meanwhile.
//!
//! What the links in emails do is not here but in [`crate::one_time_links`].

pub(crate) mod accent;
mod content;
mod delivery;
mod logo;
mod mailer;
pub(crate) mod message;
mod operator;
mod queue;
mod rendering;
pub(crate) mod store;
pub(crate) mod transport;
mod words;

pub use accent::MailAccent;
pub use content::{MailContent, Origin};
pub use logo::{InvalidLogo, MAX_LOGO_BYTES, MailLogo};
pub(crate) use mailer::Mailer;
pub use mailer::{InvalidMailbox, MailConfig, MailStatistics, check_mailbox};
pub(crate) use queue::{MailRecipient, Notice, QueuedMail};
pub use rendering::sample_mail;
pub use store::OutboxRow;
#[cfg(any(test, feature = "testing"))]
pub use transport::memory::{Mailbox as MemoryMailbox, SentMail};
pub use transport::{InvalidTransport, MailTransport};
pub use words::MESSAGES;
