//! Applying the rate limits of [`crate::rate_limit`], and device cookies.

use crate::{
    Auth, DeviceCookieToken, Error, RequestContext, SignedIn,
    one_time_links::LinkPurpose,
    passwords::hasher::{Priority, QueueSlot, Quota},
    rate_limit::{Counter, LimitedAction, RateLimit, device_cookie::DeviceCookie, rate_limited},
    store::{ReadConnection, WriteTransaction},
};
use countersign_types::{TimeSpan, Timestamp, UserId};
use std::{iter, time::Duration};
use tokio::time::timeout;

/// How long an error response waits for an attempt to be undone, which happens under overload.
const UNDO_TIMEOUT: Duration = Duration::from_millis(500);

/// A password attempt that was counted before the password is verified.
#[must_use]
pub(crate) struct Attempt {
    at: Timestamp,
    priority: Priority,
    /// The counter of the account or the device, if it is limited.
    counter: Option<Counter>,
    /// The charge of the network.
    network: Option<Charge>,
}

/// A charge to a token bucket.
struct Charge {
    counter: Counter,
    period: TimeSpan,
    /// The time when the bucket is full again.
    full_at: Timestamp,
}

impl Attempt {
    /// Resets the failed attempts after a correct password, and returns the charge of the network.
    pub(crate) async fn succeed(
        &self,
        tx: &mut WriteTransaction,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.discharge(tx, now).await?;
        match &self.counter {
            Some(counter) => tx.limit_reset(counter).await,
            None => Ok(()),
        }
    }

    /// Undoes this attempt, because the password was not verified. Earlier attempts stay counted.
    async fn undo_attempt(&self, tx: &mut WriteTransaction, now: Timestamp) -> Result<(), Error> {
        self.discharge(tx, now).await?;
        match &self.counter {
            Some(counter) => tx.limit_undo_attempt(counter, self.at).await,
            None => Ok(()),
        }
    }

    async fn discharge(&self, tx: &mut WriteTransaction, now: Timestamp) -> Result<(), Error> {
        let Some(Charge { counter, period, full_at }) = &self.network else { return Ok(()) };
        // What was refilled meanwhile is not returned again.
        let rest = full_at.since(now).0.min(period.0);
        if rest > 0 { tx.limit_return_tokens(counter, TimeSpan(rest), now).await } else { Ok(()) }
    }
}

/// An action of a user that was counted on this node. It is required to begin the transaction.
#[must_use]
pub(crate) struct Permit(LimitedAction);

impl Auth {
    /// The device cookie of a client, if an account with this address (its
    /// [`countersign_types::Email::lookup_key`]) has logged in with it. No read is needed.
    pub(crate) fn device_cookie(
        &self,
        context: &RequestContext,
        email_key: &str,
    ) -> Option<DeviceCookie> {
        DeviceCookie::decode(self.secret(), context.device_cookie.as_deref()?)
            .filter(|cookie| cookie.concerns(self.secret(), email_key))
    }

    /// Returns the new value of the device cookie, or `None` if it does not change.
    pub(crate) fn issue_device_cookie(
        &self,
        context: &RequestContext,
        email_key: &str,
        user: UserId,
        epoch: i64,
    ) -> Result<Option<DeviceCookieToken>, Error> {
        let known = context
            .device_cookie
            .as_deref()
            .and_then(|text| DeviceCookie::decode(self.secret(), text));
        let mut cookie = known.map_or_else(|| DeviceCookie::new(self.random()), Ok)?;
        Ok(cookie
            .add(self.secret(), email_key, user, epoch)
            .then(|| DeviceCookieToken { token: cookie.encode(self.secret()) }))
    }

    /// The key of the counter for password attempts of a device, which is also its quota in the
    /// hash queue.
    pub(crate) fn device_slot(&self, email_key: &str, device: &[u8; 16]) -> Vec<u8> {
        Counter::for_password(self.secret(), email_key, Some(device)).subject
    }

    /// Reserves a slot in the hash queue. A network gets at most a quarter of them, a device or an
    /// account (`quota_key`) two.
    pub(crate) fn reserve_hash_slot(
        &self,
        context: &RequestContext,
        priority: Priority,
        quota_key: Option<&[u8]>,
    ) -> Result<QueueSlot, Error> {
        if self.policy().limits.is_off() {
            return self.hasher().reserve(priority, Vec::new());
        }
        let network = Quota {
            key: context.network().to_bytes(),
            limit: (self.hasher().capacity() / 4).max(1),
        };
        let own = quota_key.map(|key| Quota { key: key.to_vec(), limit: 2 });
        self.hasher().reserve(priority, iter::once(network).chain(own).collect())
    }

    /// Counts a password attempt for the account with this address (its
    /// [`countersign_types::Email::lookup_key`]), whether it exists or not. A known `device` has a
    /// counter of its own, and its network is not charged.
    pub(crate) async fn count_password_attempt(
        &self,
        context: &RequestContext,
        email_key: &str,
        device: Option<&[u8; 16]>,
    ) -> Result<Attempt, Error> {
        let limits = &self.policy().limits;
        let counter = Counter::for_password(self.secret(), email_key, device);
        let account = limits.get(counter.action).map(|limit| (counter, limit));
        let network = limits.get(LimitedAction::NetworkPassword).filter(|_| device.is_none());
        let network = network
            .map(|limit| (Counter::for_network(LimitedAction::NetworkPassword, context), limit));
        let priority = if device.is_some() { Priority::KnownDevice } else { Priority::Anonymous };
        if account.is_none() && network.is_none() {
            return Ok(Attempt { at: self.clock().now(), priority, counter: None, network: None });
        }
        let mut tx = self.store().begin_for(priority).await?;
        let at = self.clock().now();
        let network = match network {
            Some((counter, limit)) => {
                let full_at = self.take(&mut tx, context, &counter, limit, at).await?;
                Some(Charge { counter, period: limit.period, full_at })
            }
            None => None,
        };
        if let Some((counter, limit)) = &account
            && !tx.limit_count_attempt(counter, *limit, at).await?
        {
            let until =
                tx.limit_next_allowed_at(counter.action.rule().name, &counter.subject).await?;
            // The charge of the network stays.
            tx.commit().await?;
            return Err(self.log_rate_limit(
                context,
                None,
                rate_limited(counter.action, until, at),
            ));
        }
        tx.commit().await?;
        Ok(Attempt { at, priority, counter: account.map(|(counter, _)| counter), network })
    }

    /// Undoes an attempt that ended with an error other than a wrong password, and returns that
    /// error. If this cannot be written either, the attempt stays counted.
    pub(crate) async fn undo_attempt<T>(
        &self,
        attempt: &Attempt,
        error: Error,
    ) -> Result<T, Error> {
        // After a rate limit error the attempt is settled already.
        if !matches!(error, Error::RateLimited { .. })
            && (attempt.counter.is_some() || attempt.network.is_some())
        {
            let undone = async {
                let mut tx = self.store().begin_for(attempt.priority).await?;
                attempt.undo_attempt(&mut tx, self.clock().now()).await?;
                tx.commit().await
            };
            match timeout(UNDO_TIMEOUT, undone).await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => {
                    tracing::debug!(
                        error = crate::error_chain(&cause),
                        "password attempt stays counted"
                    );
                }
                Err(_) => tracing::debug!("password attempt stays counted: timeout"),
            }
        }
        Err(error)
    }

    /// Checks the rate limit of a user, on this node and for all nodes, without counting.
    pub(crate) async fn check_limit(
        &self,
        reader: &mut ReadConnection,
        context: &RequestContext,
        action: LimitedAction,
        user: UserId,
    ) -> Result<(), Error> {
        let Some(limit) = self.policy().limits.get(action) else { return Ok(()) };
        let now = self.clock().now();
        let checked = match self.rate_limiter().check(action, user, now) {
            Ok(()) => {
                let full_at =
                    reader.limit_next_allowed_at(action.rule().name, user.0.as_bytes()).await?;
                limit
                    .take(full_at, now)
                    .map(drop)
                    .map_err(|next| rate_limited(action, Some(next), now))
            }
            rejected => rejected,
        };
        checked.map_err(|error| self.log_rate_limit(context, Some(user), error))
    }

    /// Counts an action of a network, in a transaction of its own.
    pub(crate) async fn count_network_action(
        &self,
        context: &RequestContext,
        action: LimitedAction,
    ) -> Result<(), Error> {
        let Some(limit) = self.policy().limits.get(action) else { return Ok(()) };
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let _full_at = self
            .take(
                &mut tx,
                context,
                &Counter::for_network(action, context),
                limit,
                self.clock().now(),
            )
            .await?;
        tx.commit().await
    }

    /// Counts an action on an address, in a transaction. Returns `false` if its limit is exceeded.
    pub(crate) async fn count_for_address(
        &self,
        tx: &mut WriteTransaction,
        action: LimitedAction,
        email: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let Some(limit) = self.policy().limits.get(action) else { return Ok(true) };
        let counter = Counter::for_address(action, self.secret(), &email.to_ascii_lowercase());
        Ok(tx.limit_take_token(&counter, limit, now).await?.is_some())
    }

    /// Counts an action on an address, in a transaction. Returns [`Error::RateLimited`] beyond its
    /// limit, for callers that may know what others have requested.
    pub(crate) async fn take_for_address(
        &self,
        tx: &mut WriteTransaction,
        context: &RequestContext,
        action: LimitedAction,
        email: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(limit) = self.policy().limits.get(action) else { return Ok(()) };
        let counter = Counter::for_address(action, self.secret(), &email.to_ascii_lowercase());
        self.take(tx, context, &counter, limit, now).await.map(drop)
    }

    /// Counts an email that a client requested for an address. Returns `false` if a limit is
    /// exceeded. Each purpose is counted separately, so that a sign-up by another person does not
    /// suppress the email to reset a password.
    pub(crate) async fn count_requested_mail(
        &self,
        tx: &mut WriteTransaction,
        purpose: LinkPurpose,
        email: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let subject = format!("{} {email}", purpose.as_str());
        Ok(self.count_for_address(tx, LimitedAction::RepeatedMail, &subject, now).await?
            && self.count_for_address(tx, LimitedAction::RequestedMail, &subject, now).await?)
    }

    /// Counts an action of a user on this node.
    pub(crate) fn permit(
        &self,
        context: &RequestContext,
        action: LimitedAction,
        user: UserId,
    ) -> Result<Permit, Error> {
        match self.rate_limiter().take(action, user, self.clock().now()) {
            Ok(()) => Ok(Permit(action)),
            Err(error) => Err(self.log_rate_limit(context, Some(user), error)),
        }
    }

    /// Counts an action of a user for all nodes, in the transaction of the action.
    pub(crate) async fn count_user_action(
        &self,
        tx: &mut WriteTransaction,
        context: &RequestContext,
        permit: Permit,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Permit(action) = permit;
        let Some(limit) = self.policy().limits.get(action) else { return Ok(()) };
        self.take(tx, context, &Counter { action, subject: user.0.as_bytes().to_vec() }, limit, now)
            .await
            .map(drop)
    }

    /// Takes a token from a bucket. Returns the time when the bucket is full again.
    async fn take(
        &self,
        tx: &mut WriteTransaction,
        context: &RequestContext,
        counter: &Counter,
        limit: RateLimit,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        if let Some(full_at) = tx.limit_take_token(counter, limit, now).await? {
            return Ok(full_at);
        }
        let full_at =
            tx.limit_next_allowed_at(counter.action.rule().name, &counter.subject).await?;
        Err(self.log_rate_limit(
            context,
            None,
            rate_limited(counter.action, full_at.map(|full_at| limit.next(full_at)), now),
        ))
    }

    /// Logs a rate limit error, at most once a minute for each action.
    fn log_rate_limit(
        &self,
        context: &RequestContext,
        user: Option<UserId>,
        error: Error,
    ) -> Error {
        if let Error::RateLimited { action, retry_after } = &error
            && let Some(suppressed) = self.rate_limiter().throttle(*action).due()
        {
            let rule = action.rule();
            tracing::warn!(
                request.id = &*context.request_id,
                address = context.address.map(tracing::field::display),
                user.id = user.map(tracing::field::display),
                limit = rule.name,
                setting = rule.setting,
                reason = rule.message,
                retry_after,
                suppressed,
                "rate limit exceeded"
            );
        }
        error
    }
}

impl SignedIn<'_> {
    /// Counts an action of this user on this node. Every write of a signed-in user requires a
    /// permit: see [`SignedIn::begin`].
    pub(crate) fn permit(&self, action: LimitedAction) -> Result<Permit, Error> {
        self.auth.permit(&self.context, action, self.user)
    }

    /// Begins the transaction of an action, and counts the action for all nodes. Returns the time
    /// after the wait.
    pub(crate) async fn begin(
        &self,
        permit: Permit,
    ) -> Result<(WriteTransaction, Timestamp), Error> {
        let mut tx = self.auth.store().write().await?;
        let now = self.auth.clock().now();
        self.auth.count_user_action(&mut tx, &self.context, permit, self.user, now).await?;
        Ok((tx, now))
    }
}
