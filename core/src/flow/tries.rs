//! Applying the rate limits of [`crate::limit`], and telling devices that are known.

use super::{Auth, DeviceToken, SignedIn};
use crate::{
    Client, Error,
    device_cookie::DeviceCookie,
    hasher::{Lane, Place, Share},
    limit::{Counter, LimitedAction, RateLimit, refusal},
    store::{Reader, Tx},
};
use countersign_types::{Span, Timestamp, UserId};
use std::{iter, time::Duration};
use tokio::time::timeout;

/// How long a refusal waits for an attempt to be given back: that is asked for when there is no
/// capacity.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_millis(500);

/// A password attempt that was counted before the password was looked at.
#[must_use]
pub(super) struct Attempt {
    at: Timestamp,
    lane: Lane,
    /// The counter of the account or the device, if it is limited.
    counter: Option<Counter>,
    /// What the network was charged.
    network: Option<Charge>,
}

/// What a bucket was charged.
struct Charge {
    counter: Counter,
    period: Span,
    /// Until when the bucket is in use with this charge.
    full_at: Timestamp,
}

impl Attempt {
    /// The password was right: failed attempts are forgotten, and the network is charged nothing.
    pub(super) async fn succeed(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
        self.discharge(tx, now).await?;
        match &self.counter {
            Some(counter) => tx.limit_reset(counter).await,
            None => Ok(()),
        }
    }

    /// The password was not found wrong, nor did it let anybody in: this attempt counts no more,
    /// and those before it do.
    async fn give_back(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
        self.discharge(tx, now).await?;
        match &self.counter {
            Some(counter) => tx.limit_give_back_attempt(counter, self.at).await,
            None => Ok(()),
        }
    }

    async fn discharge(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
        let Some(Charge { counter, period, full_at }) = &self.network else { return Ok(()) };
        // What has been refilled meanwhile is not given back a second time.
        let rest = full_at.since(now).0.min(period.0);
        if rest > 0 { tx.limit_give_back(counter, Span(rest), now).await } else { Ok(()) }
    }
}

/// An action of a user that this node has counted: needed to open a transaction for it.
#[must_use]
pub(super) struct Permit(LimitedAction);

impl Auth {
    /// The device cookie of a client, if an account with this address (its
    /// [`countersign_types::Email::key`]) has logged in with it. No read is needed to tell.
    pub(super) fn device_cookie(&self, client: &Client, email_key: &str) -> Option<DeviceCookie> {
        DeviceCookie::decode(&self.secret, client.known_browser.as_deref()?)
            .filter(|cookie| cookie.concerns(&self.secret, email_key))
    }

    /// The value of the device cookie from now on; `None` if it need not change.
    pub(super) fn remember_device(
        &self,
        client: &Client,
        email_key: &str,
        user: UserId,
        epoch: i64,
    ) -> Result<Option<DeviceToken>, Error> {
        let known = client
            .known_browser
            .as_deref()
            .and_then(|text| DeviceCookie::decode(&self.secret, text));
        let mut cookie = known.map_or_else(|| DeviceCookie::new(&self.entropy), Ok)?;
        Ok(cookie
            .add(&self.secret, email_key, user, epoch)
            .then(|| DeviceToken { token: cookie.encode(&self.secret) }))
    }

    /// The name of the counter that password attempts of a device are counted by: also its quota
    /// in the hash queue.
    pub(super) fn device_slot(&self, email_key: &str, device: &[u8; 16]) -> Vec<u8> {
        Counter::of_password(&self.secret, email_key, Some(device)).subject
    }

    /// A slot of the hash queue. A network has at most a quarter of them, a device or an account
    /// (`who`) two.
    pub(super) fn place(
        &self,
        client: &Client,
        lane: Lane,
        who: Option<&[u8]>,
    ) -> Result<Place, Error> {
        if self.policy.limits.is_off() {
            return self.hasher.place(lane, Vec::new());
        }
        let network = Share { of: client.network(), most: (self.hasher.room() / 4).max(1) };
        let who = who.map(|who| Share { of: who.to_vec(), most: 2 });
        self.hasher.place(lane, iter::once(network).chain(who).collect())
    }

    /// Counts a password attempt for the account with this address (its [`countersign_types::Email::key`]),
    /// whether it exists or not. A `device` that is known is counted by itself, and its network is
    /// not charged.
    pub(super) async fn count_password(
        &self,
        client: &Client,
        email_key: &str,
        device: Option<&[u8; 16]>,
    ) -> Result<Attempt, Error> {
        let limits = &self.policy.limits;
        let counter = Counter::of_password(&self.secret, email_key, device);
        let account = limits.get(counter.action).map(|limit| (counter, limit));
        let network = limits.get(LimitedAction::NetworkPassword).filter(|_| device.is_none());
        let network = network
            .map(|limit| (Counter::of_network(LimitedAction::NetworkPassword, client), limit));
        let lane = if device.is_some() { Lane::Known } else { Lane::Strangers };
        if account.is_none() && network.is_none() {
            return Ok(Attempt { at: self.clock.now(), lane, counter: None, network: None });
        }
        let mut tx = self.store.write_in(lane).await?;
        let at = self.clock.now();
        let network = match network {
            Some((counter, limit)) => {
                let full_at = self.take(&mut tx, client, &counter, limit, at).await?;
                Some(Charge { counter, period: limit.period, full_at })
            }
            None => None,
        };
        if let Some((counter, limit)) = &account
            && !tx.limit_attempt(counter, *limit, at).await?
        {
            let until = tx.limit_free_at(counter.action.rule().name, &counter.subject).await?;
            // What the network is charged stays charged.
            tx.commit().await?;
            return Err(self.refuse(client, None, refusal(counter.action, until, at)));
        }
        tx.commit().await?;
        Ok(Attempt { at, lane, counter: account.map(|(counter, _)| counter), network })
    }

    /// Gives back an attempt that ended with an error other than a wrong password, and passes that
    /// error on. Where this cannot be written either, the attempt stays counted.
    pub(super) async fn give_back<T>(&self, attempt: &Attempt, error: Error) -> Result<T, Error> {
        // A refusal by a rate limit has settled the attempt already.
        if !matches!(error, Error::TooMany { .. })
            && (attempt.counter.is_some() || attempt.network.is_some())
        {
            let given_back = async {
                let mut tx = self.store.write_in(attempt.lane).await?;
                attempt.give_back(&mut tx, self.clock.now()).await?;
                tx.commit().await
            };
            match timeout(GIVE_BACK_TIMEOUT, given_back).await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => {
                    tracing::debug!(error = crate::chain(&cause), "password attempt stays counted");
                }
                Err(_) => tracing::debug!("password attempt stays counted: no time"),
            }
        }
        Err(error)
    }

    /// Whether the rate limit of a user allows an action now, on this node and for all nodes.
    /// Counts nothing: for what is to be refused before it costs anything.
    pub(super) async fn check_limit(
        &self,
        reader: &mut Reader,
        client: &Client,
        action: LimitedAction,
        user: UserId,
    ) -> Result<(), Error> {
        let Some(limit) = self.policy.limits.get(action) else { return Ok(()) };
        let now = self.clock.now();
        let checked = match self.rate_limiter.check(action, user, now) {
            Ok(()) => {
                let full_at = reader.limit_free_at(action.rule().name, user.0.as_bytes()).await?;
                limit.take(full_at, now).map(drop).map_err(|next| refusal(action, Some(next), now))
            }
            refused => refused,
        };
        checked.map_err(|error| self.refuse(client, Some(user), error))
    }

    /// Counts an action of a network, in a transaction of its own.
    pub(super) async fn count_network(
        &self,
        client: &Client,
        action: LimitedAction,
    ) -> Result<(), Error> {
        let Some(limit) = self.policy.limits.get(action) else { return Ok(()) };
        let mut tx = self.store.write_in(Lane::Strangers).await?;
        let _full_at = self
            .take(&mut tx, client, &Counter::of_network(action, client), limit, self.clock.now())
            .await?;
        tx.commit().await
    }

    /// Counts an action of a user on this node.
    pub(super) fn permit(
        &self,
        client: &Client,
        action: LimitedAction,
        user: UserId,
    ) -> Result<Permit, Error> {
        match self.rate_limiter.take(action, user, self.clock.now()) {
            Ok(()) => Ok(Permit(action)),
            Err(error) => Err(self.refuse(client, Some(user), error)),
        }
    }

    /// Counts an action of a user for all nodes, in the transaction that carries it out.
    pub(super) async fn count_user(
        &self,
        tx: &mut Tx,
        client: &Client,
        permit: Permit,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Permit(action) = permit;
        let Some(limit) = self.policy.limits.get(action) else { return Ok(()) };
        self.take(tx, client, &Counter { action, subject: user.0.as_bytes().to_vec() }, limit, now)
            .await
            .map(drop)
    }

    /// Returns until when the bucket is in use from now on.
    async fn take(
        &self,
        tx: &mut Tx,
        client: &Client,
        counter: &Counter,
        limit: RateLimit,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        if let Some(full_at) = tx.limit_take(counter, limit, now).await? {
            return Ok(full_at);
        }
        let full_at = tx.limit_free_at(counter.action.rule().name, &counter.subject).await?;
        Err(self.refuse(
            client,
            None,
            refusal(counter.action, full_at.map(|full_at| limit.next(full_at)), now),
        ))
    }

    /// Logs a refusal, at most once a minute for each action: a client must not fill the log.
    fn refuse(&self, client: &Client, user: Option<UserId>, error: Error) -> Error {
        if let Error::TooMany { action, retry_after } = &error
            && let Some(suppressed) = self.rate_limiter.throttle(*action).due()
        {
            let rule = action.rule();
            tracing::warn!(
                request.id = client.request_id,
                address = client.address.map(tracing::field::display),
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
    /// Counts an action of this user on this node. Every write of a signed-in user needs one: see
    /// [`SignedIn::begin`].
    pub(super) fn permit(&self, action: LimitedAction) -> Result<Permit, Error> {
        self.auth.permit(&self.client, action, self.user)
    }

    /// Opens the transaction of an action, in which it is counted for all nodes. Returns the time
    /// after the wait for it.
    pub(super) async fn begin(&self, permit: Permit) -> Result<(Tx, Timestamp), Error> {
        let mut tx = self.auth.store.write().await?;
        let now = self.auth.clock.now();
        self.auth.count_user(&mut tx, &self.client, permit, self.user, now).await?;
        Ok((tx, now))
    }
}
