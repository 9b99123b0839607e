//! Accounts: sign-up, log-in, verification and change of the email address, profile, data export
//! and deletion, with the table of users.
//!
//! What administrators do with the accounts of others is in [`crate::admin`] and
//! [`crate::invitations`]; passwords are in [`crate::passwords`].

mod change_email;
mod deletion;
mod export;
mod log_in;
pub(crate) mod pending;
mod profile;
pub(crate) mod roles;
pub(crate) mod sign_up;
pub mod store;
pub(crate) mod verification;

pub use export::{OlderSessions, SESSIONS_PER_PAGE};
pub use verification::{AddressLink, AddressProof, LogInStep};
