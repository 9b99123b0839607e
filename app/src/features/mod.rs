//! The features, one folder each, with its page, its server functions and its texts. Rules are not
//! here but in `core`; components without knowledge of accounts are in [`crate::ui`].
//!
//! Each server function is a few lines on top of `request::handle`. All are `POST` requests with
//! stable paths. They take a form, so a plain `<form>` can send each of them. Each names one of the
//! clients in [`crate::browser::server_fn_client`]: there is no default, and `server_fn`'s own
//! client sends no token.

#[cfg(feature = "ssr")]
use countersign_types::message::MessageGroup;

pub mod account;
pub mod activity;
pub mod confirm_email;
pub mod confirm_password;
pub mod email;
pub mod forgot_password;
#[cfg(any(debug_assertions, feature = "ssr"))]
pub mod gallery;
pub mod home;
pub mod log_in;
pub mod log_out;
pub mod not_found;
pub mod password;
pub mod profile;
pub mod refresh;
pub mod reset_password;
pub mod secure_account;
pub mod sessions;
pub mod sign_up;
pub mod verify_email;
pub mod your_data;

/// The messages of all features, which operators can replace.
#[cfg(feature = "ssr")]
pub const MESSAGES: &[MessageGroup] = &[
    home::messages::MESSAGES,
    sign_up::messages::MESSAGES,
    verify_email::messages::MESSAGES,
    confirm_email::messages::MESSAGES,
    log_in::messages::MESSAGES,
    confirm_password::messages::MESSAGES,
    forgot_password::messages::MESSAGES,
    reset_password::messages::MESSAGES,
    secure_account::messages::MESSAGES,
    profile::messages::MESSAGES,
    email::messages::MESSAGES,
    password::messages::MESSAGES,
    sessions::messages::MESSAGES,
    activity::messages::MESSAGES,
    your_data::messages::MESSAGES,
    not_found::messages::MESSAGES,
];

#[cfg(all(test, feature = "ssr"))]
mod tests;
