//! Accounts, sessions and tokens. This crate knows neither HTTP nor pages.
//!
//! | Topic | Module |
//! |---|---|
//! | the operations, one file for each | [`service`] |
//! | the tables, and the SQL that SQLite and Postgres share | [`store`] |
//! | access tokens and signing keys | [`access_token`], [`keys`] |
//! | refresh tokens, rotation and reuse detection | [`refresh_token`] |
//! | revocation without a database read | [`revocation`] |
//! | password hashing and the hash queue | [`password_hasher`] |
//! | supervised tasks and threads | [`background`] |
//! | rate limits | [`rate_limit`] |
//! | the link for the first administrator | `setup_token` |
//! | the server secret, and the keys that are derived from it | [`server_secret`] |
//! | time and random numbers | `clock`, `random` |
//!
//! The session *row* is authoritative. An access token is a short-lived, signed copy of it, which
//! is verified without a database read. A refresh token is exchanged for the next copy.
#![warn(missing_docs)]

pub mod access_token;
mod activity_tracker;
pub mod background;
mod clock;
mod device_cookie;
mod error;
pub mod fail_point;
mod jws;
pub mod keys;
mod log_throttle;
pub mod password_hasher;
mod password_strength;
mod policy;
mod random;
pub mod rate_limit;
pub mod refresh_token;
mod request_context;
pub mod revocation;
pub mod server_secret;
pub mod service;
mod setup_token;
mod shared_clock;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod token_cache;
mod user_agent;

pub use clock::Clock;
pub use error::{BoxError, Error, error_chain};
pub use log_throttle::LogThrottle;
pub use password_hasher::HashingConfig;
pub use policy::{MAX_ACCESS_TOKEN_TTL, Policy};
pub use random::RandomSource;
pub use rate_limit::{LimitedAction, RateLimit, RateLimits};
pub use request_context::{PresentedCredential, RequestContext};
pub use server_secret::ServerSecret;
pub use service::{
    AccessToken, Auth, BackgroundTasks, DeviceCookieToken, IssuedTokens, MAX_PAGE_SIZE,
    MAX_SESSIONS_PER_USER, RefreshToken, SignedIn,
};
pub use store::Store;
