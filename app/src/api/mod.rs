//! The server functions: what pages can ask of the server. One flow a file, each a few lines over `edge::run`; the rules are in `auth`.
//!
//! All are `POST`, with paths that never change, and take a form, so that every one of them can be sent by a plain `<form>` too. Each names one
//! of the clients in [`crate::client`]: there is no default, and `server_fn`'s own would send no token.

mod change_password;
mod current_account;
mod end_session;
mod log_in;
mod log_out;
mod my_sessions;
mod recent_activity;
mod refresh;
mod rename;
mod sign_up;

pub use change_password::*;
pub use current_account::*;
pub use end_session::*;
pub use log_in::*;
pub use log_out::*;
pub use my_sessions::*;
pub use recent_activity::*;
pub use refresh::*;
pub use rename::*;
pub use sign_up::*;

#[cfg(all(test, feature = "ssr"))]
mod tests;
