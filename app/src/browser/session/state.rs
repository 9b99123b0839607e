//! (browser) Identity and stored token together: reading, storing and ending the session of this
//! page.

use super::{
    identity::{EndReason, PageIdentity, SessionEvent, identity, notify, set_identity},
    tab_sync::{self, TabMessage},
    token_store::{self, StoredToken},
};
use crate::browser;
use countersign_types::{Problem, views::SessionTokens};

/// Ends the session in this tab and in all others.
pub fn end(reason: EndReason) {
    let tag = match set_identity(PageIdentity::Anonymous) {
        PageIdentity::Session(tag) => Some(tag),
        // There was no session. Other tabs need to know of a log-out only.
        PageIdentity::Anonymous if reason == EndReason::Ended => return,
        PageIdentity::Anonymous | PageIdentity::Unknown => None,
    };
    token_store::delete_of(tag.as_deref());
    tab_sync::send(&if reason == EndReason::Ended {
        TabMessage::Ended { tag }
    } else {
        TabMessage::LoggedOut { tag }
    });
    notify(SessionEvent::Ended(reason));
}

/// Returns the stored token. Fails if it belongs to another session than this page.
pub(super) fn own_token() -> Result<Option<StoredToken>, Problem> {
    match (token_store::read(), identity()) {
        (Some(stored), PageIdentity::Session(tag)) if stored.tag != tag => {
            notify(SessionEvent::Replaced);
            Err(Problem::SessionMismatch)
        }
        (stored, _) => Ok(stored),
    }
}

/// Stores new tokens and sends them to the other tabs.
pub(super) fn store(session: SessionTokens) {
    let new = StoredToken::new(session, browser::now());
    tab_sync::send(&TabMessage::NewToken(new.clone()));
    token_store::write(new);
}
