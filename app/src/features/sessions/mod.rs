//! The list of sessions, and revoking them.

pub mod list_sessions;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
pub mod revoke_session;

pub use list_sessions::{ListSessionsCall, list_sessions};
#[cfg(feature = "ssr")]
pub use page::SessionsPage;
pub use revoke_session::{RevokeSessionCall, revoke_session};
