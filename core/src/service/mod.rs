//! The operations of Countersign: one file for each, as methods of [`Auth`] or [`SignedIn`].
//!
//! | Operation | File |
//! |---|---|
//! | sign-up, log-in, log-out | `sign_up`, `log_in`, `log_out` |
//! | exchanging a refresh token | `refresh` |
//! | issuing tokens for a session | `issue_tokens` |
//! | authentication of a request | `signed_in` |
//! | reading and changing one's own account | `account`, `password`, `sessions` |
//! | data export, account deletion | `data_export`, `account_deletion` |
//! | administration of other accounts | `admin`, `roles` |
//! | rate limits and device cookies | `throttling` |
//! | two credentials in one request | `credentials` |
//! | token introspection and revocation (RFC 7662, RFC 7009) | `introspection` |
//! | signing keys | `keys` |
//! | pagination | `pagination` |
//! | periodic tasks | `background_tasks` |
//! | deleting rows whose retention has ended | `retention` |
//!
//! No operation hashes a password inside a transaction. Operations of a signed-in user are methods
//! of [`SignedIn`], which is only created by verifying a credential.

mod account;
mod account_deletion;
mod admin;
mod background_tasks;
mod credentials;
mod data_export;
mod introspection;
mod issue_tokens;
mod keys;
mod log_in;
mod log_out;
mod pagination;
mod password;
mod refresh;
mod retention;
mod roles;
mod sessions;
mod sign_up;
mod signed_in;
mod throttling;

pub use admin::{Admin, AdminAction};
pub use background_tasks::BackgroundTasks;
pub use data_export::{OlderSessions, SESSIONS_PER_PAGE};
pub use introspection::IntrospectedToken;
pub use issue_tokens::{
    AccessToken, DeviceCookieToken, IssuedTokens, MAX_SESSIONS_PER_USER, RefreshToken,
};
pub use keys::{KeyAdmin, KeyError, KeyInfo};
pub use pagination::MAX_PAGE_SIZE;
pub use retention::ClockCheck;
pub use signed_in::SignedIn;

use crate::{
    Clock, Error, HashingConfig, Policy, RandomSource, RequestContext, ServerSecret, Store,
    activity_tracker::ActivityTracker,
    background::Supervisor,
    keys::{Jwk, KeyStore},
    log_throttle::LogThrottle,
    password_hasher::PasswordHasher,
    random::IdGenerator,
    rate_limit::RateLimiter,
    revocation::RevocationList,
    server_secret::sha256,
    shared_clock::SharedClock,
    store::{
        WriteTransaction,
        audit_log::{NewEvent, Outcome},
    },
    token_cache::TokenCache,
};
use countersign_types::{EventId, SessionId, Timestamp, UserId, views::EventKind};
use std::{ops::Deref, sync::Arc};
use uuid::Uuid;

/// The entry point to all operations. Clones share their state.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

/// The shared state of all operations.
pub struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) random: RandomSource,
    pub(crate) ids: IdGenerator,
    pub(crate) secret: ServerSecret,
    pub(crate) policy: Policy,
    pub(crate) hasher: PasswordHasher,
    pub(crate) keys: KeyStore,
    pub(crate) token_cache: TokenCache,
    pub(crate) revocations: RevocationList,
    pub(crate) activity: ActivityTracker,
    pub(crate) background: Supervisor,
    pub(crate) rate_limiter: RateLimiter,
    /// Limits log lines about invalid refresh tokens.
    pub(crate) bad_tokens: LogThrottle,
}

impl Deref for Auth {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The reason why [`Auth::start`] failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database was set up with another server secret. All nodes need the same one.
    #[error(
        "the database belongs to another server secret: use the secret that the database was \
            created with"
    )]
    OtherSecret,
    /// Any other error.
    #[error(transparent)]
    Other(#[from] Error),
}

/// The configuration for [`Auth::start`].
#[expect(missing_docs, reason = "the types describe the fields")]
pub struct AuthConfig {
    pub store: Store,
    pub clock: Clock,
    pub random: RandomSource,
    pub secret: ServerSecret,
    pub policy: Policy,
    pub hashing: HashingConfig,
}

impl Auth {
    /// Starts the hashing threads, checks that the secret belongs to the database, and loads keys
    /// and revocations.
    pub async fn start(parts: AuthConfig) -> Result<Self, StartError> {
        let AuthConfig { store, clock, random, secret, policy, hashing } = parts;
        let clock = SharedClock::new(clock);
        clock.sync_at_start(&store).await?;
        let now = clock.now();
        bind_server_secret(&store, &secret, now).await?;
        // Revocations first: keys that change in between are announced by the feed and loaded
        // again.
        let revocations = RevocationList::load(&store, now).await?;
        let keys = KeyStore::default();
        keys.load(&store, &secret, &random, now).await?;
        let background = Supervisor::new(random.clone());
        let hasher = PasswordHasher::start(hashing, random.clone(), &secret, &background)?;
        let rate_limiter = RateLimiter::new(policy.limits.clone());
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            random,
            ids: IdGenerator::default(),
            secret,
            policy,
            hasher,
            keys,
            token_cache: TokenCache::default(),
            revocations,
            activity: ActivityTracker::default(),
            background,
            rate_limiter,
            bad_tokens: LogThrottle::default(),
        })))
    }

    /// The public keys, for other programs that verify access tokens.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Jwk> {
        self.keys.public()
    }

    /// The supervisor of the background work that [`Auth::ready`] checks. Other crates register
    /// their tasks here.
    #[must_use]
    pub fn background(&self) -> &Supervisor {
        &self.background
    }

    /// Checks that requests can be served: the background work runs, the database can be written
    /// to, and the change feed is fresh.
    pub async fn ready(&self) -> Result<(), Error> {
        self.background.check()?;
        self.ensure_feed_is_fresh()?;
        self.store.ping().await
    }

    /// The settings.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn ensure_feed_is_fresh(&self) -> Result<(), Error> {
        if self.revocations.is_stale() {
            Err(Error::Unavailable("change feed is stale".into()))
        } else {
            Ok(())
        }
    }

    fn id(&self, now: Timestamp) -> Result<Uuid, Error> {
        self.ids.next(&self.random, now)
    }

    /// Adds an audit event to a transaction.
    async fn audit(
        &self,
        tx: &mut WriteTransaction,
        context: &RequestContext,
        now: Timestamp,
        entry: AuditEntry,
    ) -> Result<(), Error> {
        tx.event_insert(&NewEvent {
            id: EventId(self.id(now)?),
            at: now,
            kind: entry.kind,
            outcome: entry.outcome,
            actor: entry.actor,
            target: entry.target,
            session_hash: entry.session.map(|id| sha256(id.0.as_bytes())),
            address: context.address.map(|address| address.to_string()),
            device: context.device.as_deref(),
            request_id: &context.request_id,
        })
        .await
    }
}

/// Counts the retries of a transaction that was undone by a concurrent one: a serialization failure
/// or a deadlock on Postgres. Nothing of it was written.
#[derive(Default)]
pub(crate) struct Retries(u32);

impl Retries {
    const MAX: u32 = 3;

    /// Whether to retry after this result.
    pub(crate) fn again<T>(&mut self, result: &Result<T, Error>) -> bool {
        let again = self.0 < Self::MAX && result.as_ref().is_err_and(Error::is_conflict);
        self.0 += 1;
        again
    }
}

/// Binds the database to the server secret, or checks it if it is bound already.
async fn bind_server_secret(
    store: &Store,
    secret: &ServerSecret,
    now: Timestamp,
) -> Result<(), StartError> {
    let check = secret.fingerprint();
    let mut tx = store.write().await?;
    tx.installation_bind_secret(&check, now).await?;
    tx.commit().await?;
    if store.read().await?.installation_secret_fingerprint().await?.as_deref() == Some(&check[..]) {
        Ok(())
    } else {
        Err(StartError::OtherSecret)
    }
}

/// An audit event to be recorded.
#[derive(Clone, Copy)]
struct AuditEntry {
    kind: EventKind,
    outcome: Outcome,
    actor: Option<UserId>,
    target: Option<UserId>,
    session: Option<SessionId>,
}

impl AuditEntry {
    /// A user changed their own account.
    const fn by_user(kind: EventKind, user: UserId, session: SessionId) -> Self {
        Self {
            kind,
            outcome: Outcome::Done,
            actor: Some(user),
            target: Some(user),
            session: Some(session),
        }
    }

    /// An unauthenticated attempt failed.
    const fn failed(kind: EventKind, target: Option<UserId>, session: Option<SessionId>) -> Self {
        Self { kind, outcome: Outcome::Failed, actor: None, target, session }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Auth {
    /// The operator, without the server secret, which tests do not keep.
    ///
    /// # Panics
    /// Never: the secret is that of this instance.
    pub fn operator_for_tests(&self, context: &RequestContext) -> Admin<'_> {
        self.operator(context, &self.secret).expect("the secret is its own")
    }

    /// The hashing threads, for tests that keep them busy.
    #[must_use]
    pub fn password_hasher_for_tests(&self) -> &PasswordHasher {
        &self.hasher
    }

    /// The private signing key, for tests of claims with a valid signature.
    ///
    /// # Panics
    /// Panics without a signing key, which every started instance has.
    pub fn signing_key_for_tests(&self) -> jsonwebtoken::EncodingKey {
        self.keys.signer().expect("a signing key").sign.clone()
    }
}
