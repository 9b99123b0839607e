//! Sending the emails that are due.

use crate::{
    Auth, Error, error_chain,
    mail::{
        content::MailContent,
        mailer::Mailer,
        message::Message,
        queue::MAX_QUEUED,
        rendering::{self, MailContext, MailLink},
        store::{LEASE_TTL, LeasedMail},
        transport::SendError,
    },
    one_time_links::LinkToken,
};
use countersign_types::TimeSpan;
use futures::FutureExt;
use std::{panic::AssertUnwindSafe, sync::atomic::Ordering, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// Maximum number of attempts to send an email.
const MAX_ATTEMPTS: usize = 8;
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
/// Maximum number of emails that a node sends at the same time.
const MAX_CONCURRENT: usize = 8;
/// How soon an email is sent that becomes due while another one is being sent.
const LEASE_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum number of attempts, also of those without a result because the program ended.
const MAX_LEASES: i64 = 20;
/// Maximum number of attempts to record that an email was sent.
const MAX_RECORD_ATTEMPTS: u32 = 3;

impl Auth {
    /// Sends all emails that are due. The background task calls it; an error means that the
    /// database failed.
    ///
    /// A new email is leased as soon as another one is done, so that a slow recipient delays others
    /// only if all slots are occupied.
    pub async fn deliver_mail(&self) -> Result<(), Error> {
        let Some(mailer) = self.mailer() else { return Ok(()) };
        // Tasks, because each holds a transaction at times: a future that is not polled while the
        // next lease waits for the writer would block it.
        let (mut running, mut failed, mut is_paused) = (JoinSet::new(), None, false);
        if self.observe_outbox(mailer).await? == 0 {
            return Ok(());
        }
        loop {
            if !is_paused {
                let free = MAX_CONCURRENT.saturating_sub(running.len());
                match self.lease_mail(free).await {
                    Ok(leased) => {
                        for mail in leased {
                            let auth = self.clone();
                            running.spawn(async move { auth.deliver(mail).await });
                        }
                    }
                    Err(error) => (failed, is_paused) = (Some(error), true),
                }
            }
            // Other emails may become due while a slow one is being sent.
            match timeout(LEASE_INTERVAL, running.join_next()).await {
                // A failure does not prevent the others: the email is due again when its lease
                // ends.
                Ok(Some(result)) => {
                    if let Err(error) = result.map_err(Error::internal).flatten() {
                        (failed, is_paused) = (Some(error), true);
                    }
                }
                Ok(None) => return failed.map_or(Ok(()), Err),
                // After a failure of the database, the next try is after this interval.
                Err(_) => match self.observe_outbox(mailer).await {
                    Ok(_) => is_paused = false,
                    Err(error) => failed = Some(error),
                },
            }
        }
    }

    /// Records the state of the outbox. Returns the number of queued emails.
    async fn observe_outbox(&self, mailer: &Mailer) -> Result<u64, Error> {
        let mut reader = self.store().read().await?;
        let (queued, oldest) = reader.outbox_queue_state(MAX_QUEUED).await?;
        let queued = u64::try_from(queued).unwrap_or(0);
        mailer.queued.store(queued, Ordering::Relaxed);
        let oldest = oldest.map_or(i64::MAX, |oldest| oldest.0);
        mailer.oldest_queued.store(oldest, Ordering::Relaxed);
        Ok(queued)
    }

    /// Leases at most `most` emails that are due.
    async fn lease_mail(&self, most: usize) -> Result<Vec<LeasedMail>, Error> {
        let now = self.clock().now();
        if most == 0 || !self.store().read().await?.outbox_has_due(now).await? {
            return Ok(Vec::new());
        }
        let mut tx = self.store().write().await?;
        let leased = tx.outbox_lease(now, now + LEASE_TTL, most as u64).await?;
        tx.commit().await?;
        Ok(leased)
    }

    /// Sends one email and records the result. A panic counts as a failure of this email.
    async fn deliver(&self, mail: LeasedMail) -> Result<(), Error> {
        let Some(mailer) = self.mailer() else { return Ok(()) };
        let sending = AssertUnwindSafe(self.prepare_and_send(mailer, &mail)).catch_unwind();
        let result = match sending.await {
            Ok(result) => result?,
            Err(_) => Err(SendError::refused("the program panicked")),
        };
        // An email that was sent but not recorded would be sent again.
        let mut recorded = self.record_attempt(mailer, &mail, &result).await;
        for _ in 1..MAX_RECORD_ATTEMPTS {
            if recorded.is_ok() {
                break;
            }
            recorded = self.record_attempt(mailer, &mail, &result).await;
        }
        recorded
    }

    /// Records the result of an attempt to send an email.
    async fn record_attempt(
        &self,
        mailer: &Mailer,
        mail: &LeasedMail,
        result: &Result<bool, SendError>,
    ) -> Result<(), Error> {
        // Counted from the last time that the operator repeated the email.
        let attempt = usize::try_from(mail.attempts - mail.given_up).unwrap_or(usize::MAX);
        let mut tx = self.store().write().await?;
        let error = match result {
            Ok(is_sent) => {
                tx.outbox_delete(mail).await?;
                tx.commit().await?;
                if *is_sent {
                    mailer.sent.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(mail.id = %mail.id, "email sent");
                }
                return Ok(());
            }
            Err(error) => error,
        };
        let delay = BACKOFF.get(attempt.saturating_sub(1)).filter(|_| !error.is_final(attempt));
        let next = match delay {
            Some(delay) => Some(self.clock().now() + self.with_jitter(*delay)?),
            None => None,
        };
        let SendError { status, reason, .. } = error;
        tx.outbox_defer(mail, next, reason).await?;
        tx.commit().await?;
        let counter = if next.is_some() { &mailer.deferred } else { &mailer.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        // The reason may quote the recipient, so it is not logged: see `mail list`.
        if let Some(next) = next {
            tracing::warn!(mail.id = %mail.id, attempt, status, next = %next, "email deferred");
        } else {
            tracing::error!(mail.id = %mail.id, attempt, status, "email failed");
        }
        Ok(())
    }

    /// Returns whether the email was sent; `false`: there was nothing to send. The outer error is
    /// that of the database.
    async fn prepare_and_send(
        &self,
        mailer: &Mailer,
        mail: &LeasedMail,
    ) -> Result<Result<bool, SendError>, Error> {
        if mail.attempts - mail.given_up > MAX_LEASES {
            return Ok(Err(SendError::refused("too many attempts had no result")));
        }
        Ok(match self.prepare(mailer, mail).await? {
            None => Ok(false),
            Some(Ok(message)) => mailer.config.transport.send(&message).await.map(|()| true),
            Some(Err(error)) => Err(error),
        })
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
            let started = tx.link_start_validity(id, purpose, content.has_code(), now).await?;
            tx.commit().await?;
            // A repeated email has no code: the code of an address without an account, to which
            // nothing is sent, must not expire earlier than that of an account.
            let with_code = content.has_code() && started == Some(true);
            // The owner of an account must get a notice even if its link has ended. Its page then
            // offers a new link.
            if started.is_none() && content.origin().is_none() {
                return Ok(None);
            }
            let token = LinkToken { purpose, id };
            link = Some(MailLink {
                url: self.link_url(token),
                code: with_code.then(|| token.code(self.secret())),
                valid_minutes: u32::try_from(purpose.ttl().as_seconds() / 60).unwrap_or(0),
            });
        }
        let address = match &mail.recipient {
            Some(address) => Some(address.clone()),
            None => self.store().read().await?.outbox_account_address(mail).await?,
        };
        let Some(address) = address else { return Ok(None) };
        let Some(content) = self.content_for_address(content, &address).await? else {
            return Ok(None);
        };
        let link = link.filter(|_| content.link_purpose().is_some());
        let site = MailContext {
            product: &mailer.config.product,
            base_url: &self.policy().issuer,
            recipient: &address,
            link: link.as_ref(),
            has_logo: mailer.config.has_logo(),
            accent: &mailer.config.accent,
        };
        let sender = mailer.config.sender();
        let rendered = rendering::render(&content, &site);
        Ok(Some(match rendered {
            Ok(rendered) => Message::new(&sender, mail.id, &address, rendered, now)
                .map_err(|error| unusable(&error)),
            Err(error) => Err(unusable(&error)),
        }))
    }

    /// Returns the email that suits what the address has when it is sent; `None`: none does. The
    /// request that caused it must do the same work for every address.
    async fn content_for_address(
        &self,
        content: MailContent,
        address: &str,
    ) -> Result<Option<MailContent>, Error> {
        let (sign_up, verify) = (MailContent::SignUp, MailContent::VerifyEmail);
        let for_free_address = [MailContent::ChangeEmail, MailContent::Invitation];
        if ![&sign_up, &verify].contains(&&content) && !for_free_address.contains(&content) {
            return Ok(Some(content));
        }
        let key = address.to_ascii_lowercase();
        let account = self.store().read().await?.user_by_email(&key).await?;
        let is_unverified =
            account.as_ref().is_some_and(|account| account.email_verified_at.is_none());
        Ok(if content == sign_up {
            Some(if account.is_some() { MailContent::AccountExists } else { content })
        } else if content == verify {
            Some(content).filter(|_| is_unverified)
        } else {
            // The owner of a taken address knows nothing of the account that asks for it, and needs
            // no invitation.
            Some(content).filter(|_| account.is_none())
        })
    }

    /// Returns between 80 % and 120 % of a delay.
    fn with_jitter(&self, delay: TimeSpan) -> Result<TimeSpan, Error> {
        let fifth = delay.0 / 5;
        Ok(TimeSpan(delay.0 - fifth + self.random().number_up_to(2 * fifth)?))
    }
}

/// Returns the error of an email that cannot be rendered, for example one of another version. It is
/// not repeated.
fn unusable(error: &(dyn std::error::Error + 'static)) -> SendError {
    SendError::refused(&error_chain(error))
}
