//! (browser) Whose page this is, and the handler of changes.

use std::{cell::RefCell, rc::Rc};

/// The identity of this page, initially as the server rendered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageIdentity {
    /// The server could not determine it.
    Unknown,
    /// No user is logged in.
    Anonymous,
    /// The session with this tag ([`TaggedAccount::session_tag`]).
    Session(String),
}

/// Why the session of this page has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The user logged out on this page.
    LoggedOut,
    /// The user logged out in another tab.
    LoggedOutElsewhere,
    /// The session expired or was revoked.
    Ended,
}

/// A change of the session. A refresh is none: it changes nothing for the page.
#[derive(Clone, Copy, Debug)]
pub enum SessionEvent {
    /// The user logged in on this page.
    LoggedIn,
    /// The user logged in in another tab, while this page was anonymous.
    LoggedInElsewhere,
    /// The browser has another session now. The page may show data of another user.
    Replaced,
    /// The session has ended.
    Ended(EndReason),
    /// The session may have ended. Ask the server.
    Recheck,
}

type EventHandler = Rc<dyn Fn(SessionEvent)>;

thread_local! {
    static IDENTITY: RefCell<PageIdentity> = const { RefCell::new(PageIdentity::Unknown) };
    static HANDLER: RefCell<Option<EventHandler>> = const { RefCell::new(None) };
}

/// Sets the handler of changes.
pub(super) fn set_handler(handler: impl Fn(SessionEvent) + 'static) {
    HANDLER.with_borrow_mut(|slot| *slot = Some(Rc::new(handler)));
}

pub(super) fn identity() -> PageIdentity {
    IDENTITY.with_borrow(Clone::clone)
}

/// Sets the identity of this page and returns the one before.
pub(super) fn set_identity(new: PageIdentity) -> PageIdentity {
    IDENTITY.replace(new)
}

pub(super) fn notify(event: SessionEvent) {
    // The borrow ends before the call: the handler may call functions of this module.
    let handler = HANDLER.with_borrow(Clone::clone);
    if let Some(handler) = handler {
        handler(event);
    }
}
