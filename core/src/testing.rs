//! For tests, here and in the crates above: a fresh database of each kind, and a macro that runs a
//! test on both; and what must hold of whatever is shown as a token, for tests and for
//! `script/fuzz`.
//!
//! The databases are real ones. SQLite is a file in a temporary folder; Postgres is a new database
//! on the server that `TEST_POSTGRES_URL` names, which `script/test` starts. Without it the tests
//! fail: nothing is skipped silently.

use crate::{
    Entropy, ServerSecret, Store,
    device_cookie::DeviceCookie,
    guessable,
    keys::{self, KeyRing},
    refresh,
    store::connect_options,
    token::{self, Claims},
    verified::VerifiedTokens,
};
use countersign_types::{SessionId, Timestamp, UserId, view::Role};
use sqlx::{Connection, PgConnection};
use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;
use uuid::Uuid;

/// A database that nobody has used yet.
pub struct FreshDatabase {
    /// For [`crate::Store::open`].
    pub url: String,
    _folder: Option<TempDir>,
}

impl FreshDatabase {
    /// A file in a temporary folder.
    ///
    /// # Panics
    /// Where there is no room for one.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { url: format!("sqlite:{}/test.db", folder.path().display()), _folder: Some(folder) }
    }

    /// A database on the test server, which is thrown away as a whole.
    ///
    /// # Panics
    /// Without a test server.
    pub async fn postgres() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(clippy::disallowed_methods, reason = "tests are told by the environment where Postgres is")]
        let server = std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL says where Postgres is; `script/postgres COMMAND` starts one and sets it");
        let name =
            format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect_with(&connect_options(&server).expect("a URL"))
            .await
            .expect("Postgres");
        // A name of our own making; a placeholder cannot stand for a database.
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("a database");
        let (base, database) = server.rsplit_once('/').expect("a URL with a database name");
        let options = database.find('?').map_or("", |at| &database[at..]);
        Self { url: format!("{base}/{name}{options}"), _folder: None }
    }
}

/// A world for tests of the store alone: it is open, and nothing else runs.
pub struct StoreWorld {
    /// On a fresh database.
    pub store: Store,
    _database: FreshDatabase,
}

impl StoreWorld {
    /// Opens the store.
    ///
    /// # Panics
    /// When that fails.
    pub async fn on(database: FreshDatabase) -> Self {
        Self { store: Store::open(&database.url).await.expect("a database"), _database: database }
    }
}

/// Declares tests that run on both databases. Each gets a world, of a type with `async fn
/// on(FreshDatabase) -> Self`.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: $World:ident $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        async fn $name($world: $World) $body

        mod $name {
            use super::$World;
            use $crate::testing::FreshDatabase;

            #[tokio::test]
            async fn sqlite() {
                super::$name($World::on(FreshDatabase::sqlite()).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name($World::on(FreshDatabase::postgres().await).await).await;
            }
        }
    )*};
}

/// The key of RFC 7515, A.3, whose private part everybody knows.
const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
const ISSUER: &str = "https://countersign.example";
/// 2026-01-01T00:00:00Z
const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// What opens tokens, the same in every run, so that tokens that were made with it can be kept.
struct Opener {
    secret: ServerSecret,
    keys: KeyRing,
    remembered: VerifiedTokens,
}

impl Opener {
    fn new() -> Self {
        let (entropy, key) = (Entropy::seeded(1), keys::import(KEY).expect("a key"));
        let secret = ServerSecret::generate(&entropy).expect("a secret");
        Self {
            keys: KeyRing::of(&key, &secret, &entropy).expect("a ring"),
            secret,
            remembered: VerifiedTokens::default(),
        }
    }
}

/// All that its key has ever signed.
pub(crate) fn claims() -> Claims {
    let now = NOW.seconds();
    Claims {
        iss: ISSUER.into(),
        aud: ISSUER.into(),
        sub: UserId(Uuid::from_u128(1)),
        client_id: crate::token::CLIENT_ID.into(),
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

/// The refresh token of a generation of a session, whether that was ever given out or not.
#[must_use]
pub fn refresh_token(
    secret: &ServerSecret,
    session: SessionId,
    user: UserId,
    generation: i64,
) -> String {
    refresh::mint(secret, session, user, generation)
}

/// Shows something as each kind of token. Whether it is one.
///
/// # Panics
/// Where something opens that was not made by us, to the letter: of access tokens, that says
/// anything else than was signed.
pub fn token(input: &[u8]) -> bool {
    static OPENER: LazyLock<Opener> = LazyLock::new(Opener::new);
    let Opener { secret, keys, remembered } = &*OPENER;
    let text = String::from_utf8_lossy(input);
    if let Some(shown) = refresh::open(secret, &text) {
        assert_eq!(refresh::mint(secret, shown.session, shown.user, shown.counter), text);
        return true;
    }
    if let Some(cookie) = DeviceCookie::decode(secret, &text) {
        assert_eq!(cookie.encode(secret), text);
        return true;
    }
    match token::verify(keys, remembered, ISSUER, &text, NOW) {
        Ok(said) => {
            assert_eq!(said, claims());
            true
        }
        Err(_) => false,
    }
}

/// Judges a text as a password, as far as that is not caught where it panics. Whether it is too
/// weak.
///
/// # Panics
/// Where judging panics.
pub fn password(input: &[u8]) -> bool {
    static EMAIL: LazyLock<countersign_types::Email> = LazyLock::new(|| {
        countersign_types::Email::parse("ada.lovelace@analytical.example").expect("an address")
    });
    guessable::estimate(&String::from_utf8_lossy(input), &EMAIL, None) < zxcvbn::Score::Two
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_password_of_the_corpus_is_judged() {
        countersign_types::testing::replay("password", |name, input| {
            let is_too_weak = password(input);
            assert!(is_too_weak || !name.starts_with("weak"), "{name} is strong");
            assert!(!is_too_weak || !name.starts_with("strong"), "{name} is weak");
        });
    }

    #[test]
    fn of_the_corpus_only_what_is_genuine_opens() {
        countersign_types::testing::replay("token", |name, input| {
            assert_eq!(token(input), name.starts_with("genuine"), "{name}");
        });
    }
}
