//! Rate limits, and the device cookies: a browser that has one is limited separately.
//!
//! [`LimitedAction`] is the only list of limited operations (`policy`). The operations apply it
//! (`throttling`). Its counters are in memory (`memory`) or in the database (`store`).
//!
//! A password attempt is counted before the password is verified, in a transaction of its own, so
//! that no failure undoes the count and concurrent attempts cannot pass together. A correct
//! password returns the charge of its network. An attempt whose password was not verified, because
//! of overload or an outage, is undone as a whole.
//!
//! A network is an IPv4 address or an IPv6 prefix of 64 bits. Unknown accounts are counted like
//! known ones.

mod arithmetic;
mod counter;
pub(crate) mod device_cookie;
mod memory;
pub(crate) mod policy;
pub(crate) mod store;
pub(crate) mod throttling;

pub(crate) use counter::{ATTEMPT_RETENTION, Counter, rate_limited};
pub(crate) use memory::RateLimiter;
pub use policy::{Algorithm, LimitedAction, RateLimit, RateLimits, Rule, Storage, Subject};
