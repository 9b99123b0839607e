//! The handle, [`Auth`]: how it starts, and the state that all operations share. The operations are
//! its methods, in the files of their features.
//!
//! No operation hashes a password inside a transaction. Operations of a signed-in user are methods
//! of [`crate::SignedIn`], which is only created by verifying a credential.

use crate::{
    Clock, Error, HashingConfig, Policy, RandomSource, ServerSecret, Store,
    background::Supervisor,
    keys::{Jwk, KeyStore},
    log_throttle::LogThrottle,
    mail::{MailConfig, Mailer},
    passwords::hasher::PasswordHasher,
    random::IdGenerator,
    rate_limit::RateLimiter,
    sessions::{
        activity::ActivityTracker, group::SessionGroups, revocation::RevocationList,
        token_cache::TokenCache,
    },
    shared_clock::SharedClock,
};
use countersign_types::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// The entry point to all operations. Clones share their state.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

/// The shared state of all operations.
struct Inner {
    store: Store,
    clock: SharedClock,
    random: RandomSource,
    ids: IdGenerator,
    secret: ServerSecret,
    policy: Policy,
    hasher: PasswordHasher,
    keys: KeyStore,
    token_cache: TokenCache,
    session_groups: SessionGroups,
    revocations: RevocationList,
    activity: ActivityTracker,
    background: Supervisor,
    rate_limiter: Arc<RateLimiter>,
    mailer: Option<Mailer>,
    /// Limits log lines about invalid refresh tokens.
    bad_tokens: LogThrottle,
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
    pub mail: Option<MailConfig>,
}

impl Auth {
    /// Starts the hashing threads, checks that the secret belongs to the database, and loads keys
    /// and revocations.
    pub async fn start(parts: AuthConfig) -> Result<Self, StartError> {
        let AuthConfig { store, clock, random, secret, policy, hashing, mail } = parts;
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
        let rate_limiter = Arc::new(RateLimiter::new(policy.limits.clone()));
        let session_groups = SessionGroups::new(store.clone(), clock.clone(), rate_limiter.clone());
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
            session_groups,
            revocations,
            activity: ActivityTracker::default(),
            background,
            rate_limiter,
            mailer: mail.map(Mailer::new),
            bad_tokens: LogThrottle::default(),
        })))
    }

    /// The public keys, for other programs that verify access tokens.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Jwk> {
        self.keys().public()
    }

    /// The supervisor of the background work that [`Auth::ready`] checks. Other crates register
    /// their tasks here.
    #[must_use]
    pub fn background(&self) -> &Supervisor {
        &self.0.background
    }

    /// Checks that requests can be served: the background work runs, the database can be written
    /// to, and the change feed is fresh.
    pub async fn ready(&self) -> Result<(), Error> {
        self.background().check()?;
        self.ensure_feed_is_fresh()?;
        self.store().ping().await
    }

    /// The settings.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    pub(crate) fn ensure_feed_is_fresh(&self) -> Result<(), Error> {
        if self.revocations().is_stale() {
            Err(Error::Unavailable("change feed is stale".into()))
        } else {
            Ok(())
        }
    }

    /// Returns a new id.
    pub(crate) fn new_id(&self, now: Timestamp) -> Result<Uuid, Error> {
        self.0.ids.next(self.random(), now)
    }
}

/// The shared state, for the features of this crate.
impl Auth {
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    pub(crate) fn random(&self) -> &RandomSource {
        &self.0.random
    }

    pub(crate) fn secret(&self) -> &ServerSecret {
        &self.0.secret
    }

    pub(crate) fn hasher(&self) -> &PasswordHasher {
        &self.0.hasher
    }

    pub(crate) fn keys(&self) -> &KeyStore {
        &self.0.keys
    }

    pub(crate) fn token_cache(&self) -> &TokenCache {
        &self.0.token_cache
    }

    pub(crate) fn session_groups(&self) -> &SessionGroups {
        &self.0.session_groups
    }

    pub(crate) fn revocations(&self) -> &RevocationList {
        &self.0.revocations
    }

    pub(crate) fn activity(&self) -> &ActivityTracker {
        &self.0.activity
    }

    pub(crate) fn rate_limiter(&self) -> &RateLimiter {
        &self.0.rate_limiter
    }

    pub(crate) fn mailer(&self) -> Option<&Mailer> {
        self.0.mailer.as_ref()
    }

    pub(crate) fn bad_tokens(&self) -> &LogThrottle {
        &self.0.bad_tokens
    }
}

/// Binds the database to the server secret, or checks it if it is bound already.
pub(crate) async fn bind_server_secret(
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

#[cfg(any(test, feature = "testing"))]
impl Auth {
    /// The hashing threads, for tests that keep them busy.
    #[must_use]
    pub fn password_hasher_for_tests(&self) -> &PasswordHasher {
        self.hasher()
    }

    /// The private signing key, for tests of claims with a valid signature.
    ///
    /// # Panics
    /// Panics without a signing key, which every started instance has.
    pub fn signing_key_for_tests(&self) -> jsonwebtoken::EncodingKey {
        self.keys().signer().expect("a signing key").key.clone()
    }
}
