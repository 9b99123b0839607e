//! Accounts, sessions and tokens: the domain. It knows neither HTTP nor pages.
//!
//! | to learn about | read |
//! |---|---|
//! | what can be asked of it, flow by flow | [`flow`] |
//! | the tables, and how one text of SQL serves two databases | [`store`] |
//! | access tokens and who signs them | [`token`], [`keys`] |
//! | refresh tokens and when one is a theft | [`refresh`] |
//! | what is refused at once, without asking the database | [`revocation`] |
//! | passwords | [`hasher`] |
//! | tasks and threads that are restarted when they fail | [`background`] |
//! | rate limits | [`limit`] |
//! | how the first administrator comes in | `first_admin` |
//! | the one secret, and what is derived from it | [`secret`] |
//! | where time and randomness come from | [`world`] |
//!
//! The session *row* is the truth. An access token is a short copy of it that anybody can check; a
//! refresh token is the right to the next copy.
#![warn(missing_docs)]

pub mod background;
mod client;
mod device;
mod device_cookie;
mod error;
pub mod fail_point;
mod first_admin;
pub mod flow;
mod guessable;
pub mod hasher;
mod jws;
pub mod keys;
pub mod limit;
mod log_throttle;
mod policy;
pub mod refresh;
pub mod revocation;
pub mod secret;
mod seen;
mod shared_clock;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
mod verified;
pub mod world;

pub use client::{Client, Presented};
pub use error::{Error, Source, chain};
pub use flow::{
    Access, Auth, DeviceToken, Issued, MOST_ITEMS, MOST_SESSIONS, Refresh, SignedIn, Worker,
};
pub use hasher::Hashing;
pub use limit::{LimitedAction, RateLimit, RateLimits};
pub use log_throttle::LogThrottle;
pub use policy::{LONGEST_ACCESS, Policy};
pub use secret::ServerSecret;
pub use store::Store;
pub use world::{Clock, Entropy};
