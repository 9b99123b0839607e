//! Invitations to sign up. An invitation is a one-time link to an address, valid for seven days.
//!
//! Administrators create, list and revoke invitations: `administration`. A new user presents one:
//! `presented`; the sign-up is in `accounts::sign_up`.

mod administration;
pub(crate) mod presented;
pub(crate) mod store;

pub use administration::MAX_OPEN_INVITATIONS;
