//! (browser) The session as this page knows it: the identity of the page and the access token. The
//! submodules hold the identity (`identity`), store the token (`token_store`, `state`), refresh it
//! (`refresh`) and send messages to other tabs (`tab_sync`).
//!
//! A page has one identity: the token of another session is never sent for the content of this
//! page.

mod identity;
mod refresh;
mod state;
mod tab_sync;
mod token_store;

pub use identity::{EndReason, PageIdentity, SessionEvent};
pub use refresh::{LOCK, RefreshCall, refresh, set_refresh_call};
pub use state::end;

use countersign_types::{Problem, views::SessionTokens};
use identity::{identity, notify, set_handler, set_identity};
use state::{own_token, store};
use tab_sync::TabMessage;
use token_store::{Freshness, StoredToken};

/// Sets the identity for which the server rendered this page. Called once, after hydration.
///
/// `has_logged_out`: the user has just logged out with a plain form.
pub fn init(
    identity: PageIdentity,
    has_logged_out: bool,
    handler: impl Fn(SessionEvent) + 'static,
) {
    set_handler(handler);
    set_identity(identity.clone());
    tab_sync::subscribe(on_message);
    match identity {
        PageIdentity::Unknown => {}
        // The server got no valid cookie, so no tab of this browser is logged in.
        PageIdentity::Anonymous => {
            let leftover = token_store::read().is_some();
            token_store::delete();
            if has_logged_out {
                tab_sync::send(&TabMessage::LoggedOut { tag: None });
            } else if leftover {
                tab_sync::send(&TabMessage::Recheck);
            }
        }
        PageIdentity::Session(tag) => {
            if token_store::read().is_some_and(|stored| stored.tag != tag) {
                token_store::delete();
            }
            // After a log-in with a plain form there is a cookie but no token. Without storage no
            // page has a token, and the first call that needs one refreshes.
            if token_store::read().is_none() && token_store::is_writable() {
                refresh::start(None);
            }
        }
    }
}

/// Returns the access token to send, refreshed if it is about to expire. `None` on an anonymous
/// page.
pub async fn token() -> Result<Option<String>, Problem> {
    let Some(stored) = own_token()? else {
        return match identity() {
            PageIdentity::Session(_) => refresh(None).await.map(Some),
            PageIdentity::Anonymous | PageIdentity::Unknown => Ok(None),
        };
    };
    match stored.freshness() {
        Freshness::Fresh => Ok(Some(stored.access_token)),
        Freshness::Expired => refresh(None).await.map(Some),
        // A failed refresh doesn't matter while the token is valid.
        Freshness::Expiring => match refresh(None).await {
            Ok(token) => Ok(Some(token)),
            Err(problem @ (Problem::Unauthenticated | Problem::SessionMismatch)) => Err(problem),
            Err(_) => Ok(Some(stored.access_token)),
        },
    }
}

/// Starts a refresh because the stored token was invalidated before it expired.
pub fn mark_stale() {
    refresh::start(token_store::read().map(|stored| stored.access_token));
}

/// Returns whether a refresh can help a rejected call. On an anonymous page it can't.
pub fn can_refresh() -> bool {
    identity() != PageIdentity::Anonymous
}

/// Adopts the session of a log-in on this page.
pub fn adopt(session: SessionTokens) {
    set_identity(PageIdentity::Session(session.account.session_tag.clone()));
    store(session);
    notify(SessionEvent::LoggedIn);
}

/// Checks whether this page, restored from the back-forward cache, still has its session.
pub fn recheck() {
    match (identity(), token_store::read()) {
        (PageIdentity::Session(tag), Some(stored)) if stored.tag == tag => {
            notify(SessionEvent::Recheck);
        }
        // Without storage, a page has no token until it needs one.
        (PageIdentity::Session(_), None) if !token_store::is_writable() => {
            notify(SessionEvent::Recheck);
        }
        (PageIdentity::Session(_), _) => notify(SessionEvent::Replaced),
        (_, Some(_)) => notify(SessionEvent::LoggedInElsewhere),
        (_, None) => {}
    }
}

fn on_message(message: TabMessage) {
    match message {
        TabMessage::NewToken(token) => on_new_token(token),
        TabMessage::LoggedOut { tag } => {
            on_session_end(tag.as_deref(), EndReason::LoggedOutElsewhere);
        }
        TabMessage::Ended { tag } => on_session_end(tag.as_deref(), EndReason::Ended),
        TabMessage::Recheck => {
            if identity() != PageIdentity::Anonymous {
                notify(SessionEvent::Recheck);
            }
        }
        TabMessage::RefreshAttempt(at) => refresh::record_attempt(at),
    }
}

fn on_new_token(new: StoredToken) {
    let tag = new.tag.clone();
    // Messages may be late: an older token of the same session must not replace a newer one.
    if token_store::read()
        .is_none_or(|stored| stored.tag != tag || stored.obtained_at <= new.obtained_at)
    {
        token_store::write(new);
    }
    match identity() {
        PageIdentity::Session(own) if own == tag => {}
        PageIdentity::Session(_) => notify(SessionEvent::Replaced),
        PageIdentity::Anonymous | PageIdentity::Unknown => {
            set_identity(PageIdentity::Session(tag));
            notify(SessionEvent::LoggedInElsewhere);
        }
    }
}

fn on_session_end(tag: Option<&str>, reason: EndReason) {
    match identity() {
        PageIdentity::Session(own) if tag.is_none_or(|tag| tag == own) => {
            set_identity(PageIdentity::Anonymous);
            token_store::delete_of(Some(&own));
            notify(SessionEvent::Ended(reason));
        }
        PageIdentity::Unknown => notify(SessionEvent::Recheck),
        PageIdentity::Session(_) | PageIdentity::Anonymous => {}
    }
}
