//! Accounts: sign-up, log-in, profile, data export and deletion, with the table of users.
//!
//! What administrators do with the accounts of others is in [`crate::admin`]; passwords are in
//! [`crate::passwords`].

mod deletion;
mod export;
mod log_in;
mod profile;
pub(crate) mod roles;
pub(crate) mod sign_up;
pub mod store;

pub use export::{OlderSessions, SESSIONS_PER_PAGE};
