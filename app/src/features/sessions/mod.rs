//! The list of sessions, and revoking them.

mod list_sessions;
pub mod messages;
mod page;
mod revoke_session;

pub use list_sessions::{ListSessionsCall, list_sessions};
pub use page::SessionsPage;
pub use revoke_session::{RevokeSessionCall, revoke_session};
