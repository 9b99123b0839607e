//! Single operations, without the request around them, for benchmarks.

use crate::{
    Auth, AuthConfig, Clock, HashingConfig, LimitedAction, Policy, RandomSource, ServerSecret,
    Store,
    priority::Priority,
    sessions::{access_token, access_token::Claims, refresh_token},
    testing::{ISSUER, NOW, TestDatabase, claims},
};
use countersign_types::{Password, SessionId, UserId};
use uuid::Uuid;

/// The operations of a node with a new SQLite database, and with default settings.
pub struct Operations {
    auth: Auth,
    secret: ServerSecret,
    _database: TestDatabase,
}

impl Operations {
    /// Starts a node.
    ///
    /// # Panics
    /// Panics if it does not start.
    pub async fn start() -> Self {
        let database = TestDatabase::sqlite();
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
        let parts = AuthConfig {
            store: Store::open(&database.url).await.expect("a database"),
            clock: Clock::manual(NOW),
            random: RandomSource::System,
            secret: secret.clone(),
            policy: Policy::new(ISSUER),
            hashing: HashingConfig {
                memory_kib: 19_456,
                iterations: 2,
                parallelism: 1,
                threads: 1,
                queue_capacity: 64,
            },
            mail: None,
        };
        Self { auth: Auth::start(parts).await.expect("a start"), secret, _database: database }
    }

    /// Signs the access token of a session.
    ///
    /// # Panics
    /// Panics without a signing key.
    #[must_use]
    pub fn sign_access_token(&self, session: u128) -> String {
        let claims = Claims { sid: SessionId(Uuid::from_u128(session)), ..claims() };
        access_token::sign(self.auth.keys(), &claims).expect("a signing key")
    }

    /// Verifies an access token. The signature is verified once for each token.
    ///
    /// # Panics
    /// Panics if the token is invalid.
    pub fn verify_access_token(&self, token: &str) {
        let (keys, cache) = (self.auth.keys(), self.auth.token_cache());
        access_token::verify(keys, cache, ISSUER, token, NOW).expect("a valid token");
    }

    /// Returns a refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> String {
        let (session, user) = (SessionId(Uuid::from_u128(2)), UserId(Uuid::from_u128(1)));
        refresh_token::encode(&self.secret, session, user, 7)
    }

    /// Parses a refresh token and verifies its MAC.
    ///
    /// # Panics
    /// Panics if the token is invalid.
    pub fn parse_refresh_token(&self, token: &str) {
        refresh_token::decode(&self.secret, token).expect("a valid token");
    }

    /// Takes a token from the bucket of a user, if there is one.
    pub fn take_from_bucket(&self, user: u128) {
        let user = UserId(Uuid::from_u128(user));
        drop(self.auth.rate_limiter().take(LimitedAction::Refresh, user, NOW));
    }

    /// Hashes a password.
    ///
    /// # Panics
    /// Panics if the queue is full.
    pub async fn hash_password(&self, password: &str) -> String {
        let (hasher, user) = (self.auth.hasher(), UserId(Uuid::from_u128(1)));
        let slot = hasher.reserve(Priority::KnownDevice, Vec::new());
        let password = Password::new(password, None).expect("a password");
        hasher.hash(password, user, slot.expect("a slot")).await.expect("a hash")
    }
}
