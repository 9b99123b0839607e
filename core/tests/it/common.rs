//! The context of a test: a new database, a manual clock and cheap password hashing.

use countersign_core::{
    Auth, AuthConfig, Clock, Error, HashingConfig, IssuedTokens, Policy, PresentedCredential,
    RandomSource, RateLimits, RequestContext, ServerSecret, SignedIn, StartError, Store,
    Verification,
    mail::{MailConfig, MailTransport},
    testing::TestDatabase,
    testing::tokens_of,
};
use countersign_types::{
    Timestamp,
    forms::{LogInForm, SignUpForm},
};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection, postgres::PgConnectOptions,
};
use std::time::Duration;

pub const ISSUER: &str = "https://countersign.example";
pub const MAIL_FROM: &str = "Countersign <accounts@countersign.example>";
pub const PASSWORD: &str = "correct horse battery";
/// The hashing parameters of all nodes in the tests: cheap, so that the tests are fast.
pub const HASHING: HashingConfig = HashingConfig {
    memory_kib: 64,
    iterations: 1,
    parallelism: 1,
    threads: 2,
    queue_capacity: 256,
};
/// 2026-01-01T00:00:00Z
pub const START: Timestamp = Timestamp(1_767_225_600_000);

pub struct TestContext {
    pub auth: Auth,
    pub store: Store,
    pub clock: Clock,
    pub secret: ServerSecret,
    pub database: TestDatabase,
}

impl TestContext {
    pub async fn on(database: TestDatabase) -> Self {
        let store = Store::open(&database.url).await.expect("a database");
        let clock = Clock::manual(START);
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
        let auth = start(&store, &clock, &secret).await.expect("a start");
        Self { auth, store, clock, secret, database }
    }

    /// Starts another node on the same database with the default rate limits. The other nodes have
    /// none, because tests send more requests than users.
    pub async fn limiting_node(&self) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        start_with(&store, &self.clock, &self.secret, RateLimits::default()).await.expect("a start")
    }

    /// Starts another node on the same database with the given rate limits.
    pub async fn node_with(&self, limits: RateLimits) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        start_with(&store, &self.clock, &self.secret, limits).await.expect("a start")
    }

    /// Starts another node on the same database that sends email.
    pub async fn mail_node(
        &self,
        transport: MailTransport,
        limits: RateLimits,
        verification: Verification,
    ) -> Auth {
        let policy = Policy { limits, verification, ..Policy::new(ISSUER) };
        self.mail_node_with(transport, policy).await
    }

    /// Starts another node on the same database that sends email and has this policy.
    pub async fn mail_node_with(&self, transport: MailTransport, policy: Policy) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        let mail = MailConfig::new(transport, MAIL_FROM, None, "Countersign").expect("a sender");
        start_parts(&store, &self.clock, &self.secret, policy, HASHING, Some(mail))
            .await
            .expect("a start")
    }

    /// Starts another node on the same database with one hashing thread.
    pub async fn single_thread_node(&self, hashing: HashingConfig, limits: RateLimits) -> Auth {
        let store = Store::open(&self.database.url).await.expect("a database");
        start_hashing(
            &store,
            &self.clock,
            &self.secret,
            limits,
            HashingConfig { threads: 1, ..hashing },
        )
        .await
        .expect("a start")
    }

    /// Starts another node on the same database.
    pub async fn another_node(&self) -> Auth {
        start(
            &Store::open(&self.database.url).await.expect("a database"),
            &self.clock,
            &self.secret,
        )
        .await
        .expect("a start")
    }

    pub async fn sign_up(&self, email: &str) -> IssuedTokens {
        self.try_sign_up(email).await.expect("a sign-up")
    }

    pub async fn try_sign_up(&self, email: &str) -> Result<IssuedTokens, Error> {
        let form =
            SignUpForm { email: email.into(), password: PASSWORD.into(), ..SignUpForm::default() };
        self.auth.sign_up(&client(), &form, None).await.map(tokens_of)
    }

    pub async fn log_in(&self, email: &str) -> IssuedTokens {
        let form = LogInForm { email: email.into(), password: PASSWORD.into(), remember_me: true };
        self.auth.log_in(&client(), &form, None).await.map(tokens_of).expect("a log-in")
    }
}

/// Runs a statement with write access to the database.
pub async fn execute(context: &TestContext, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if context.database.url.starts_with("sqlite:") {
        SqliteConnection::connect(&context.database.url)
            .await
            .expect("a connection")
            .execute(sql)
            .await
            .expect("done");
    } else {
        let options: PgConnectOptions = context.database.url.parse().expect("a URL");
        // PgBouncer refuses this parameter.
        PgConnection::connect_with(&options.extra_float_digits(None))
            .await
            .expect("a connection")
            .execute(sql)
            .await
            .expect("done");
    }
}

/// Returns whether an access token is accepted.
pub async fn accepts(auth: &Auth, token: &str) -> bool {
    match auth.signed_in(&client(), PresentedCredential::Bearer(token)).await {
        Ok(_) => true,
        Err(Error::Unauthenticated) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Returns whether a refresh token can be exchanged.
pub async fn can_refresh(auth: &Auth, token: &str) -> bool {
    match auth.refresh(&client(), token).await {
        Ok(_) => true,
        Err(Error::Unauthenticated) => false,
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
    hashing: HashingConfig,
) -> Result<Auth, StartError> {
    let policy = Policy { limits, ..Policy::new(ISSUER) };
    start_parts(store, clock, secret, policy, hashing, None).await
}

async fn start_parts(
    store: &Store,
    clock: &Clock,
    secret: &ServerSecret,
    policy: Policy,
    hashing: HashingConfig,
    mail: Option<MailConfig>,
) -> Result<Auth, StartError> {
    Auth::start(AuthConfig {
        store: store.clone(),
        clock: clock.clone(),
        random: RandomSource::System,
        secret: secret.clone(),
        policy,
        hashing,
        mail,
    })
    .await
}

/// Advances the clock of tokio without waiting.
pub async fn advance_tokio_clock(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

pub fn client() -> RequestContext {
    RequestContext::new("192.0.2.7".parse().ok(), Some("curl/8.5.0"), "test")
}

/// Returns the operations of the user of an access token.
pub async fn signed_in<'a>(context: &'a TestContext, issued: &IssuedTokens) -> SignedIn<'a> {
    context
        .auth
        .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
        .await
        .expect("signed in")
}
