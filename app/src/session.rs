//! (browser) The session as this page knows it: whose page it is, and the access token that speaks for them. One place decides everything: where
//! the token is kept ([`kept`]), when and how it is renewed ([`renewal`]), what other tabs are told, and what a page is told.
//!
//! One identity per page: the token of another session is never sent for what this page shows.

mod kept;
mod renewal;
mod tabs;

pub use renewal::renew;

use crate::{browser, problem::Problem};
use contract::view::{Account, Session};
use kept::{Age, Kept};
use std::{cell::RefCell, rc::Rc};
use tabs::Word;

/// Log-in, log-out and renewal take the same lock, so that a late answer never overwrites a newer cookie.
pub const LOCK: &str = "latchkey";

/// Whose page this is: at first as the server rendered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The server could not say.
    Unknown,
    /// Nobody is signed in.
    Nobody,
    /// The session of this tag ([`Account::tag`]).
    Of(String),
}

/// Why a session is over, for this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Logged out on this page.
    LoggedOut,
    /// Logged out in another tab.
    LoggedOutElsewhere,
    /// Expired, or ended from another device.
    Ended,
}

/// What has happened to the session. Renewals are not among it: they change nothing for a page.
#[derive(Clone, Debug)]
pub enum Change {
    /// Somebody went in by this page.
    Entered(Account),
    /// Somebody went in by another tab; this page was nobody's.
    EnteredElsewhere,
    /// This page is another session's by now; what it shows may be another person's.
    Replaced,
    /// It is over.
    Over(Why),
    /// There is reason to ask the server whether it is.
    Doubtful,
}

type Listener = Rc<dyn Fn(Change)>;

thread_local! {
    static PAGE: RefCell<Page> = const { RefCell::new(Page::Unknown) };
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Called once, after hydration, with what the server rendered this page for. `just_left`: because somebody has just logged out by a plain form.
pub fn start(page: Page, just_left: bool, listener: impl Fn(Change) + 'static) {
    LISTENER.with_borrow_mut(|slot| *slot = Some(Rc::new(listener)));
    become_page(page.clone());
    tabs::listen();
    match page {
        Page::Unknown => {}
        // The server saw no cookie that is good for anything, so no tab of this browser is signed in.
        Page::Nobody => {
            let leftover = kept::read().is_some();
            kept::delete();
            if just_left {
                tabs::say(&Word::LoggedOut { tag: None });
            } else if leftover {
                tabs::say(&Word::Look);
            }
        }
        Page::Of(tag) => {
            if kept::read().is_some_and(|kept| kept.tag != tag) {
                kept::delete();
            }
            // After a log-in by plain form there is a cookie and no token.
            if kept::read().is_none() {
                renewal::begin();
            }
        }
    }
}

/// The token to send, renewed first if it is about to end. `None` on a page of nobody's.
pub async fn token() -> Result<Option<String>, Problem> {
    let Some(kept) = mine()? else {
        return if matches!(page(), Page::Of(_)) { renew(None).await.map(Some) } else { Ok(None) };
    };
    match kept.age() {
        Age::Fresh => Ok(Some(kept.access_token)),
        Age::Over => renew(None).await.map(Some),
        // As long as it lives, trouble with the renewal is no trouble for the call.
        Age::Ending => match renew(None).await {
            Ok(token) => Ok(Some(token)),
            Err(problem @ (Problem::SignedOut | Problem::SomeoneElse)) => Err(problem),
            Err(_) => Ok(Some(kept.access_token)),
        },
    }
}

/// Whether a refused call is worth a renewal: the server would only say again that there is nobody.
pub fn can_renew() -> bool {
    page() != Page::Nobody
}

/// Somebody went in by this page.
pub fn enter(session: Session) {
    let account = session.account.clone();
    become_page(Page::Of(account.tag.clone()));
    take_over(session);
    tell(Change::Entered(account));
}

/// It is over, here and in every other tab.
pub fn forget(why: Why) {
    let tag = match become_page(Page::Nobody) {
        Page::Of(tag) => Some(tag),
        // There was nothing to lose, so nobody needs to be told, but of a log-out.
        Page::Nobody if why == Why::Ended => return,
        Page::Nobody | Page::Unknown => None,
    };
    kept::delete_of(tag.as_deref());
    tabs::say(&if why == Why::Ended { Word::Ended { tag } } else { Word::LoggedOut { tag } });
    tell(Change::Over(why));
}

/// Looks whether this page, which slept in the back-forward cache, is still what it was.
pub fn look_again() {
    match (page(), kept::read()) {
        (Page::Of(tag), Some(kept)) if kept.tag == tag => tell(Change::Doubtful),
        (Page::Of(_), _) => tell(Change::Replaced),
        (_, Some(_)) => tell(Change::EnteredElsewhere),
        (_, None) => {}
    }
}

fn page() -> Page {
    PAGE.with_borrow(Clone::clone)
}

/// From now on this page is `new`'s. Returns whose it was.
fn become_page(new: Page) -> Page {
    PAGE.replace(new)
}

/// The token that is kept, if it is of the session that this page shows.
fn mine() -> Result<Option<Kept>, Problem> {
    match (kept::read(), page()) {
        (Some(kept), Page::Of(tag)) if kept.tag != tag => {
            tell(Change::Replaced);
            Err(Problem::SomeoneElse)
        }
        (kept, _) => Ok(kept),
    }
}

/// Keeps what the server just gave out, here and in the other tabs.
fn take_over(session: Session) {
    let new = Kept::new(session, browser::now());
    tabs::say(&Word::SignedIn(new.clone()));
    kept::write(new);
}

fn tell(change: Change) {
    // Not while the borrow lasts: what listens may change the listener, or come back to us.
    let listener = LISTENER.with_borrow(Clone::clone);
    if let Some(listener) = listener {
        listener(change);
    }
}
