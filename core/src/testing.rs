//! Test support for this crate and those that depend on it: a new database of each kind, a macro
//! that runs a test on both, a real SMTP server, and the invariants of tokens and passwords, for
//! tests and for `script/fuzz`.
//!
//! The databases are real. SQLite is a file in a temporary folder; Postgres is a new database on
//! the server at `TEST_POSTGRES_URL`, which `script/test` starts. Without it the tests fail, so
//! that none is skipped silently.

pub mod operations;
pub mod smtp_server;

use crate::{
    IssuedTokens, RandomSource, ServerSecret, Store,
    accounts::LogInStep,
    keys,
    keys::KeyStore,
    passwords::strength,
    rate_limit::device_cookie::DeviceCookie,
    sessions::{access_token, access_token::Claims, refresh_token, token_cache::TokenCache},
    store::connect_options,
};
use countersign_types::{SessionId, Timestamp, UserId, views::Role};
use sqlx::{Connection, PgConnection};
use std::sync::LazyLock;
use tempfile::TempDir;
use uuid::Uuid;

/// A new, empty database.
pub struct TestDatabase {
    /// The URL for [`crate::Store::open`].
    pub url: String,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// Creates a file in a temporary folder.
    ///
    /// # Panics
    /// Panics if the folder cannot be created.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { url: format!("sqlite:{}/test.db", folder.path().display()), _folder: Some(folder) }
    }

    /// Creates a database on the test server, which is discarded as a whole.
    ///
    /// # Panics
    /// Panics without a test server.
    pub async fn postgres() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the environment names the test server")]
        let server = std::env::var("TEST_POSTGRES_URL").expect(
            "TEST_POSTGRES_URL: \
            `script/with-postgres COMMAND` starts a server and sets it",
        );
        // Random: each test may be a process, and process IDs are reused.
        let number = u64::from_be_bytes(RandomSource::System.bytes().expect("randomness"));
        let name = format!("test_{number:016x}");
        let mut connection = PgConnection::connect_with(&connect_options(&server).expect("a URL"))
            .await
            .expect("Postgres");
        // The name is generated here; a placeholder cannot stand for an identifier.
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("a database");
        let (base, database) = server.rsplit_once('/').expect("a URL with a database name");
        let options = database.find('?').map_or("", |at| &database[at..]);
        Self { url: format!("{base}/{name}{options}"), _folder: None }
    }
}

/// An open store without background tasks, for tests of the store alone.
pub struct TestStore {
    /// The store, on a new database.
    pub store: Store,
    _database: TestDatabase,
}

impl TestStore {
    /// Opens the store.
    ///
    /// # Panics
    /// Panics if the database cannot be opened.
    pub async fn on(database: TestDatabase) -> Self {
        Self { store: Store::open(&database.url).await.expect("a database"), _database: database }
    }
}

/// Returns the tokens of a session that has begun.
///
/// # Panics
/// Panics if the address must be verified first.
#[must_use]
pub fn tokens_of(step: LogInStep) -> IssuedTokens {
    step.tokens().expect("a session")
}

/// Declares tests that run on both databases. Each gets a context, of a type with `async fn
/// on(TestDatabase) -> Self`.
#[macro_export]
macro_rules! test_on_each_database {
    ($(
        $(#[$meta:meta])* async fn $name:ident($context:ident: $Context:ident $(,)?) $body:block
    )*) => {$(
        $(#[$meta])*
        async fn $name($context: $Context) $body

        mod $name {
            use super::$Context;
            use $crate::testing::TestDatabase;

            #[tokio::test]
            async fn sqlite() {
                super::$name($Context::on(TestDatabase::sqlite()).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name($Context::on(TestDatabase::postgres().await).await).await;
            }
        }
    )*};
}

/// The key of RFC 7515, A.3, whose private part is public.
const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
const ISSUER: &str = "https://countersign.example";
/// 2026-01-01T00:00:00Z
const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// The keys for tokens in the fuzz corpus. They are the same in every run, so that the corpus stays
/// valid.
struct TokenFixture {
    secret: ServerSecret,
    keys: KeyStore,
    cache: TokenCache,
}

impl TokenFixture {
    fn new() -> Self {
        let (random, key) = (RandomSource::seeded(1), keys::import_key(KEY).expect("a key"));
        let secret = ServerSecret::generate(&random).expect("a secret");
        Self {
            keys: KeyStore::with_key(&key, &secret, &random).expect("a ring"),
            secret,
            cache: TokenCache::default(),
        }
    }
}

/// The only claims that the key has signed.
pub(crate) fn claims() -> Claims {
    let now = NOW.seconds();
    Claims {
        iss: ISSUER.into(),
        aud: ISSUER.into(),
        sub: UserId(Uuid::from_u128(1)),
        client_id: crate::sessions::access_token::CLIENT_ID.into(),
        exp: now + 600,
        iat: now,
        nbf: None,
        jti: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        sid: SessionId(Uuid::from_u128(2)),
        generation: 3,
        epoch: 0,
        amr: vec!["pwd".into()],
        acr: "aal1".into(),
        auth_time: now,
        scope: "account".into(),
        roles: vec![Role::User],
    }
}

/// The refresh token of a generation of a session, whether it was issued or not.
#[must_use]
pub fn refresh_token(
    secret: &ServerSecret,
    session: SessionId,
    user: UserId,
    generation: i64,
) -> String {
    refresh_token::encode(secret, session, user, generation)
}

/// Decodes the input as each kind of token. Returns whether it is one.
///
/// # Panics
/// Panics if a token is accepted that differs from what was issued.
pub fn decode_any_token(input: &[u8]) -> bool {
    static FIXTURE: LazyLock<TokenFixture> = LazyLock::new(TokenFixture::new);
    let TokenFixture { secret, keys, cache } = &*FIXTURE;
    let text = String::from_utf8_lossy(input);
    if let Some(parsed) = refresh_token::decode(secret, &text) {
        assert_eq!(
            refresh_token::encode(secret, parsed.session, parsed.user, parsed.generation),
            text
        );
        return true;
    }
    if let Some(cookie) = DeviceCookie::decode(secret, &text) {
        assert_eq!(cookie.encode(secret), text);
        return true;
    }
    match access_token::verify(keys, cache, ISSUER, &text, NOW) {
        Ok(verified) => {
            assert_eq!(*verified, claims());
            true
        }
        Err(_) => false,
    }
}

/// Estimates the strength of a password without catching panics. Returns whether it is too weak.
///
/// # Panics
/// Panics if the estimate panics.
pub fn is_weak_password(input: &[u8]) -> bool {
    static EMAIL: LazyLock<countersign_types::Email> = LazyLock::new(|| {
        countersign_types::Email::parse("ada.lovelace@analytical.example").expect("an address")
    });
    strength::find_weakness(&String::from_utf8_lossy(input), &EMAIL, None).is_some()
}

/// Every statement by name, for the test that prepares each on both databases.
pub const STATEMENTS: &[&[(&str, &str)]] = &[
    crate::accounts::pending::STATEMENTS,
    crate::accounts::store::STATEMENTS,
    crate::audit::store::STATEMENTS,
    crate::invitations::store::STATEMENTS,
    crate::keys::store::STATEMENTS,
    crate::mail::store::STATEMENTS,
    crate::one_time_links::store::STATEMENTS,
    crate::rate_limit::store::STATEMENTS,
    crate::sessions::store::STATEMENTS,
    crate::store::change_feed::STATEMENTS,
    crate::store::installation::STATEMENTS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpus_passwords_are_rated_as_labelled() {
        countersign_types::testing::replay_corpus("password_strength", |name, input| {
            let is_too_weak = is_weak_password(input);
            assert!(is_too_weak || !name.starts_with("weak"), "{name} is strong");
            assert!(!is_too_weak || !name.starts_with("strong"), "{name} is weak");
        });
    }

    #[test]
    fn corpus_tokens_are_accepted_only_if_genuine() {
        countersign_types::testing::replay_corpus("token", |name, input| {
            assert_eq!(decode_any_token(input), name.starts_with("genuine"), "{name}");
        });
    }
}
