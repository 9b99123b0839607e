//! Accounts, sessions and tokens. This crate knows neither HTTP nor pages.
//!
//! | Feature, with its operations and its SQL | Module |
//! |---|---|
//! | sign-up, log-in, email address, profile, data export, account deletion | [`accounts`] |
//! | access and refresh tokens, log-out, revocation, introspection | [`sessions`] |
//! | hashing, strength, change of passwords | [`passwords`] |
//! | signing keys | [`keys`] |
//! | links and codes that are sent by email | [`one_time_links`] |
//! | email: templates, outbox, delivery | [`mail`] |
//! | rate limits, device cookies | [`rate_limit`] |
//! | administration of other accounts | [`admin`] |
//! | invitations to sign up | [`invitations`] |
//! | the audit log | `audit` |
//! | deleting rows whose retention has ended | [`retention`] |
//!
//! | What the features share | Module |
//! |---|---|
//! | the handle [`Auth`] | `countersign` |
//! | the database | [`store`] |
//! | supervised tasks and threads | [`background`], `background_tasks` |
//! | the server secret, and the keys that are derived from it | [`server_secret`] |
//! | time and random numbers | `clock`, `shared_clock`, `random` |
//!
//! Operations are methods of [`Auth`], of [`SignedIn`], which only a verified credential creates,
//! of [`Fresh`], or of [`admin::Admin`].
#![warn(missing_docs)]

pub mod accounts;
pub mod admin;
mod audit;
pub mod background;
mod background_tasks;
mod batch;
mod clock;
mod countersign;
mod error;
pub mod fail_point;
pub mod invitations;
pub mod keys;
mod log_throttle;
pub mod mail;
mod network;
pub mod one_time_links;
mod pagination;
pub mod passwords;
mod policy;
mod priority;
mod random;
pub mod rate_limit;
mod request_context;
pub mod retention;
pub mod server_secret;
pub mod sessions;
mod shared_clock;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod user_agent;

pub use background_tasks::BackgroundTasks;
pub use clock::Clock;
pub use countersign::{Auth, AuthConfig, StartError};
pub use error::{BoxError, Error, error_chain};
pub use log_throttle::LogThrottle;
pub use network::Network;
pub use pagination::MAX_PAGE_SIZE;
pub use passwords::hasher::HashingConfig;
pub use policy::{MAX_ACCESS_TOKEN_TTL, Policy, SignUpPolicy, Verification};
pub use random::RandomSource;
pub use rate_limit::{LimitedAction, RateLimit, RateLimits};
pub use request_context::{PresentedCredential, RequestContext};
pub use server_secret::ServerSecret;
pub use sessions::{
    AccessToken, DeviceCookieToken, Fresh, IssuedTokens, MAX_SESSIONS_PER_USER, RefreshToken,
    SignedIn, VerifiedSession,
};
pub use store::Store;
