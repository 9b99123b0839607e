//! A world for one test: a fresh database, a clock that is moved by hand, light hashing.

use countersign_core::{
    Auth, Client, Clock, Entropy, Error, Hashing, Issued, Policy, Presented, RateLimits,
    ServerSecret, Store,
    flow::{Parts, StartError},
    testing::FreshDatabase,
};
use countersign_types::{
    Timestamp,
    form::{LogIn, SignUp},
};
use std::time::Duration;

pub const ISSUER: &str = "https://countersign.example";
pub const PASSWORD: &str = "correct horse battery";
/// How the nodes of a world hash: with little effort.
pub const HASHING: Hashing = Hashing { m: 64, t: 1, p: 1, threads: 2, queue: 256 };
/// 2026-01-01T00:00:00Z
pub const START: Timestamp = Timestamp(1_767_225_600_000);

pub struct World {
    pub auth: Auth,
    pub store: Store,
    pub clock: Clock,
    pub secret: ServerSecret,
    pub database: FreshDatabase,
}

impl World {
    pub async fn on(database: FreshDatabase) -> Self {
        let store = Store::open(&database.url).await.expect("a database");
        let clock = Clock::manual(START);
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness");
        let auth = start(&store, &clock, &secret).await.expect("a start");
        Self { auth, store, clock, secret, database }
    }

    /// Another node on the same database, which limits how often somebody may try. (The others do
    /// not: tests try more often than people.)
    pub async fn limiting_node(&self) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        start_with(&store, &self.clock, &self.secret, RateLimits::default()).await.expect("a start")
    }

    /// Another node on the same database, with other limits.
    pub async fn node_with(&self, limits: RateLimits) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        start_with(&store, &self.clock, &self.secret, limits).await.expect("a start")
    }

    /// Another node on the same database, with other limits and one thread that hashes.
    pub async fn narrow_node(&self, hashing: Hashing, limits: RateLimits) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        start_hashing(&store, &self.clock, &self.secret, limits, Hashing { threads: 1, ..hashing })
            .await
            .expect("a start")
    }

    /// Another node on the same database.
    pub async fn another_node(&self) -> Auth {
        start(
            &Store::open(&self.database.url).await.expect("a database"),
            &self.clock,
            &self.secret,
        )
        .await
        .expect("a start")
    }

    pub async fn sign_up(&self, email: &str) -> Issued {
        self.try_sign_up(email).await.expect("a sign-up")
    }

    pub async fn try_sign_up(&self, email: &str) -> Result<Issued, Error> {
        let form = SignUp { email: email.into(), password: PASSWORD.into(), ..SignUp::default() };
        Ok(self.auth.sign_up(&client(), &form, None).await?.1)
    }

    pub async fn log_in(&self, email: &str) -> Issued {
        let form = LogIn {
            email: email.into(),
            password: PASSWORD.into(),
            keep: "on".into(),
            ..LogIn::default()
        };
        self.auth.log_in(&client(), &form, None).await.expect("a log-in").1
    }
}

/// Whether an access token is accepted.
pub async fn accepts(auth: &Auth, token: &str) -> bool {
    match auth.signed_in(&client(), Presented::Bearer(token)).await {
        Ok(_) => true,
        Err(Error::SignedOut) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Whether a refresh token can be renewed.
pub async fn renews(auth: &Auth, token: &str) -> bool {
    match auth.refresh(&client(), token).await {
        Ok(_) => true,
        Err(Error::SignedOut) => false,
        Err(other) => panic!("{other:?}"),
    }
}

pub async fn start(
    store: &Store,
    clock: &Clock,
    secret: &ServerSecret,
) -> Result<Auth, StartError> {
    start_with(store, clock, secret, RateLimits::off()).await
}

async fn start_with(
    store: &Store,
    clock: &Clock,
    secret: &ServerSecret,
    limits: RateLimits,
) -> Result<Auth, StartError> {
    start_hashing(store, clock, secret, limits, HASHING).await
}

async fn start_hashing(
    store: &Store,
    clock: &Clock,
    secret: &ServerSecret,
    limits: RateLimits,
    hashing: Hashing,
) -> Result<Auth, StartError> {
    let policy = Policy { limits, ..Policy::new(ISSUER) };
    Auth::start(Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: Entropy::System,
        secret: secret.clone(),
        policy,
        hashing,
    })
    .await
}

/// Lets time pass without waiting for it, and then go on as it does.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

pub fn client() -> Client {
    Client::new("192.0.2.7".parse().ok(), Some("curl/8.5.0"), "test")
}
