//! What can be asked of Countersign: one file for each flow, each an `impl Auth` or an `impl
//! SignedIn`.
//!
//! | flow | file |
//! |---|---|
//! | sign up | `sign_up` |
//! | log in | `log_in` |
//! | renew a session, end it | `session` |
//! | who is asking; reading and changing one's own account | `account` |
//! | taking one's data along, deleting one's account | `leaving` |
//! | looking after the accounts of others | `admin` |
//! | rate limits, and devices that are known | `tries` |
//! | two credentials in one request | `credentials` |
//! | what runs beside the requests | `worker` |
//! | deleting what is kept no longer | `retention` |
//!
//! No flow hashes inside a transaction. Authority is a value: what only somebody signed in may do
//! are methods of [`SignedIn`], and there is no other way to them.

mod account;
mod admin;
mod credentials;
mod inspect;
mod issue;
mod keys;
mod leaving;
mod log_in;
mod own_sessions;
mod part;
mod password;
mod retention;
mod session;
mod sign_up;
mod tries;
mod worker;

pub use account::{MOST_ITEMS, SignedIn};
pub use admin::{Admin, Change};
pub use inspect::Inspected;
pub use issue::{Access, DeviceToken, Issued, MOST_SESSIONS, Refresh};
pub use keys::{KeyError, KeyInfo, Keys};
pub use leaving::{OlderSessions, SESSIONS_PER_PAGE};
pub use retention::ClockCheck;
pub use worker::Worker;

use crate::{
    Client, Clock, Entropy, Error, Hashing, Policy, ServerSecret, Store,
    background::Supervisor,
    hasher::Hasher,
    keys::{Jwk, KeyRing},
    limit::RateLimiter,
    log_throttle::LogThrottle,
    revocation::Revocations,
    secret::sha256,
    seen::Seen,
    shared_clock::SharedClock,
    store::{
        Tx,
        events::{NewEvent, Outcome},
    },
    verified::VerifiedTokens,
    world::Ids,
};
use countersign_types::{EventId, SessionId, Timestamp, UserId, view::EventKind};
use std::{ops::Deref, sync::Arc};
use uuid::Uuid;

/// The whole domain, ready to be asked. Cloning it is cheap.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

/// What the flows work with.
pub struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) entropy: Entropy,
    pub(crate) ids: Ids,
    pub(crate) secret: ServerSecret,
    pub(crate) policy: Policy,
    pub(crate) hasher: Hasher,
    pub(crate) keys: KeyRing,
    pub(crate) verified: VerifiedTokens,
    pub(crate) revocations: Revocations,
    pub(crate) seen: Seen,
    pub(crate) background: Supervisor,
    pub(crate) rate_limiter: RateLimiter,
    /// For lines about refresh tokens that no client of ours has.
    pub(crate) bad_tokens: LogThrottle,
}

impl Deref for Auth {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Why the domain could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database was set up with another server secret. All nodes need the same one.
    #[error(
        "the database belongs to another server secret: give this server the secret that the database was set up with"
    )]
    OtherSecret,
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// What [`Auth::start`] needs.
#[expect(missing_docs, reason = "each is described where its type is")]
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub secret: ServerSecret,
    pub policy: Policy,
    pub hashing: Hashing,
}

impl Auth {
    /// Starts the hashing threads, checks that the secret fits the database, and reads keys and
    /// revocations.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { store, clock, entropy, secret, policy, hashing } = parts;
        let clock = SharedClock::new(clock);
        clock.follow_at_start(&store).await?;
        let now = clock.now();
        claim(&store, &secret, now).await?;
        // In this order: keys that are changed in between are read with the change, and read once
        // more.
        let revocations = Revocations::load(&store, now).await?;
        let keys = KeyRing::default();
        keys.load(&store, &secret, &entropy, now).await?;
        let background = Supervisor::new(entropy.clone());
        let hasher = Hasher::start(hashing, entropy.clone(), &secret, &background)?;
        let rate_limiter = RateLimiter::new(policy.limits.clone());
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            entropy,
            ids: Ids::default(),
            secret,
            policy,
            hasher,
            keys,
            verified: VerifiedTokens::default(),
            revocations,
            seen: Seen::default(),
            background,
            rate_limiter,
            bad_tokens: LogThrottle::default(),
        })))
    }

    /// The public keys, for others who verify our tokens.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Jwk> {
        self.keys.public()
    }

    /// The supervisor of the background work whose state is part of [`Auth::ready`]. What else
    /// serves requests registers its tasks here.
    #[must_use]
    pub fn background(&self) -> &Supervisor {
        &self.background
    }

    /// Whether requests can be served: the background work runs, the database answers, and this
    /// node knows what is revoked.
    pub async fn ready(&self) -> Result<(), Error> {
        self.background.check()?;
        self.not_deaf()?;
        self.store.ping().await
    }

    /// What an operator may choose.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn not_deaf(&self) -> Result<(), Error> {
        if self.revocations.is_deaf() {
            Err(Error::Unavailable("nothing heard from the feed for too long".into()))
        } else {
            Ok(())
        }
    }

    fn id(&self, now: Timestamp) -> Result<Uuid, Error> {
        self.ids.next(&self.entropy, now)
    }

    /// Adds an audit event to a transaction.
    async fn record(
        &self,
        tx: &mut Tx,
        client: &Client,
        now: Timestamp,
        happened: Happened,
    ) -> Result<(), Error> {
        tx.event_insert(&NewEvent {
            id: EventId(self.id(now)?),
            at: now,
            kind: happened.kind,
            outcome: happened.outcome,
            actor: happened.actor,
            target: happened.target,
            session_hash: happened.session.map(|id| sha256(id.0.as_bytes())),
            address: client.address.map(|address| address.to_string()),
            device: client.device.as_deref(),
            request_id: &client.request_id,
        })
        .await
    }
}

/// Counts the attempts at a transaction that concurrent ones undo: a serialization failure or a
/// deadlock on Postgres. Nothing of it was written by then.
#[derive(Default)]
pub(crate) struct Retries(u32);

impl Retries {
    const MAX: u32 = 3;

    /// Whether to try again after this result.
    pub(crate) fn again<T>(&mut self, result: &Result<T, Error>) -> bool {
        let again = self.0 < Self::MAX && result.as_ref().is_err_and(Error::is_conflict);
        self.0 += 1;
        again
    }
}

/// The database belongs to this secret, from now on if it did not belong to any.
async fn claim(store: &Store, secret: &ServerSecret, now: Timestamp) -> Result<(), StartError> {
    let check = secret.check_value();
    let mut tx = store.write().await?;
    tx.installation_claim(&check, now).await?;
    tx.commit().await?;
    if store.read().await?.installation_check().await?.as_deref() == Some(&check[..]) {
        Ok(())
    } else {
        Err(StartError::OtherSecret)
    }
}

/// An audit event in the making.
#[derive(Clone, Copy)]
struct Happened {
    kind: EventKind,
    outcome: Outcome,
    actor: Option<UserId>,
    target: Option<UserId>,
    session: Option<SessionId>,
}

impl Happened {
    /// Somebody did something to their own account.
    const fn own(kind: EventKind, user: UserId, session: SessionId) -> Self {
        Self {
            kind,
            outcome: Outcome::Done,
            actor: Some(user),
            target: Some(user),
            session: Some(session),
        }
    }

    /// Somebody unknown tried something.
    const fn refused(kind: EventKind, target: Option<UserId>, session: Option<SessionId>) -> Self {
        Self { kind, outcome: Outcome::Refused, actor: None, target, session }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Auth {
    /// The operator without the server secret, which tests do not keep.
    ///
    /// # Panics
    /// Never: the secret is its own.
    pub fn operator_for_tests(&self, client: &Client) -> Admin<'_> {
        self.operator(client, &self.secret).expect("the secret is its own")
    }

    /// The hashing threads, so that tests can keep them busy.
    #[must_use]
    pub fn hasher_for_tests(&self) -> &Hasher {
        &self.hasher
    }

    /// The private signing key, so that tests can sign what must be refused for another reason than
    /// its signature.
    ///
    /// # Panics
    /// Without a signing key, which no started domain is.
    pub fn signing_key_for_tests(&self) -> jsonwebtoken::EncodingKey {
        self.keys.signer().expect("a signing key").sign.clone()
    }
}
