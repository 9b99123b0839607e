//! A world for one test: a fresh database, a clock that is moved by hand, light hashing.

use auth::{
    Auth, Client, Clock, Entropy, Hashing, Issued, Policy, ServerSecret, Store,
    flow::{Parts, StartError},
};
use contract::{
    Timestamp,
    form::{LogIn, SignUp},
};
use sqlx::{Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

pub const ISSUER: &str = "https://latchkey.example";
pub const PASSWORD: &str = "correct horse battery";
/// 2026-01-01T00:00:00Z
pub const START: Timestamp = Timestamp(1_767_225_600_000);

/// Declares a test that runs on both databases.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        $(#[$meta])*
        async fn $name($world: World) $body

        mod $name {
            use crate::support::World;

            #[tokio::test]
            async fn sqlite() {
                super::$name(World::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(World::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;

pub struct World {
    pub auth: Auth,
    pub store: Store,
    pub clock: Clock,
    pub url: String,
    pub secret: ServerSecret,
    _folder: Option<TempDir>,
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let url = format!("sqlite:{}/test.db", folder.path().display());
        Self::on(url, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        Self::on(fresh_postgres().await, None).await
    }

    async fn on(url: String, folder: Option<TempDir>) -> Self {
        let store = Store::open(&url).await.expect("a database");
        let clock = Clock::manual(START);
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness");
        let auth = start(&store, &clock, &secret).await.expect("a start");
        Self { auth, store, clock, url, secret, _folder: folder }
    }

    /// Another node on the same database.
    pub async fn another_node(&self) -> Auth {
        start(&Store::open(&self.url).await.expect("a database"), &self.clock, &self.secret).await.expect("a start")
    }

    pub async fn sign_up(&self, email: &str) -> Issued {
        let form = SignUp { email: email.into(), password: PASSWORD.into(), ..SignUp::default() };
        self.auth.sign_up(&client(), &form, None).await.expect("a sign-up").1
    }

    pub async fn log_in(&self, email: &str) -> Issued {
        let form = LogIn { email: email.into(), password: PASSWORD.into(), ..LogIn::default() };
        self.auth.log_in(&client(), &form, None).await.expect("a log-in").1
    }
}

pub async fn start(store: &Store, clock: &Clock, secret: &ServerSecret) -> Result<Auth, StartError> {
    let hashing = Hashing { m: 64, t: 1, p: 1, threads: 2, queue: 64 };
    let policy = Policy::new(ISSUER);
    Auth::start(Parts { store: store.clone(), clock: clock.clone(), entropy: Entropy::System, secret: secret.clone(), policy, hashing }).await
}

pub fn client() -> Client {
    Client::new("192.0.2.7".parse().ok(), Some("curl/8.5.0"), "test")
}

async fn fresh_postgres() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment where Postgres is")]
    let server = std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL says where Postgres is; `script/test` starts one and sets it");
    let name = format!("auth_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&server).await.expect("Postgres");
    #[expect(clippy::disallowed_types, reason = "a name of our own making; databases cannot be named by a placeholder")]
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.expect("a database");
    let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
    format!("{base}/{name}")
}
