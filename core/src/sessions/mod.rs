//! Sessions and their tokens: issuing, refreshing, listing, revoking and introspecting them, with
//! the table of sessions.
//!
//! The session *row* is authoritative. An access token is a short-lived, signed copy of it, which
//! is verified without a database read. A refresh token is exchanged for the next copy.

pub mod access_token;
pub(crate) mod activity;
pub(crate) mod claims;
mod credentials;
pub(crate) mod group;
mod introspection;
pub(crate) mod issue_tokens;
mod list;
mod log_out;
mod refresh;
pub mod refresh_token;
pub mod revocation;
mod signed_in;
mod step_up;
pub mod store;
pub(crate) mod token_cache;
pub(crate) mod token_error;

pub use introspection::IntrospectedToken;
pub use issue_tokens::{
    AccessToken, DeviceCookieToken, IssuedTokens, MAX_SESSIONS_PER_USER, RefreshToken,
};
pub use signed_in::{SignedIn, VerifiedSession};
pub use step_up::Fresh;
