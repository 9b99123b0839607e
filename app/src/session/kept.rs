//! (browser) The access token where this browser keeps it: local storage; session storage, which ends with the tab, for a session that is not to
//! outlive the browser; memory where storage is blocked or full. Nothing else is ever stored.

use crate::browser;
use contract::{Span, Timestamp, view::Session};
use gloo_storage::{LocalStorage, SessionStorage, Storage};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

const KEY: &str = "latchkey";

thread_local! {
    /// Only filled when storage does not take it.
    static MEMORY: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// An access token and what must be known to use it. (No `Debug`: it would show the token.)
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) access_token: String,
    /// Its life in seconds.
    expires_in: u32,
    /// When it came, by this browser's clock. We need no other clock to know its age.
    pub(super) obtained_at: Timestamp,
    /// Of which session it is.
    pub(super) tag: String,
    /// Whether that is to outlive the browser.
    persistent: bool,
}

/// How a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// To be sent.
    Fresh,
    /// Good, but to be renewed before it is sent.
    Ending,
    /// No longer good.
    Over,
}

impl Kept {
    pub(super) fn new(session: Session, obtained_at: Timestamp) -> Self {
        Self { access_token: session.access_token, expires_in: session.expires_in, obtained_at, tag: session.account.tag, persistent: session.persistent }
    }

    pub(super) fn age(&self) -> Age {
        age(browser::now().since(self.obtained_at), self.expires_in)
    }

    /// Anything can stand in storage, and this must be fit for a header.
    fn is_plausible(&self) -> bool {
        !self.access_token.is_empty() && self.access_token.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// A token is renewed when a tenth of its life, at most 30 s, is left. (A fixed time would make every short-lived token old at its birth.)
/// Before its birth it is over too: the clock was set back, and nobody knows how long ago that was.
fn age(elapsed: Span, expires_in: u32) -> Age {
    let life = Span::seconds(expires_in.into());
    if elapsed < Span(0) || elapsed >= life {
        Age::Over
    } else if elapsed.0 >= life.0 - (life.0 / 10).min(30_000) {
        Age::Ending
    } else {
        Age::Fresh
    }
}

/// What is kept. Rubbish counts as nothing.
pub(super) fn read() -> Option<Kept> {
    let stored = || stores()?.iter().find_map(|store| serde_json::from_str(&store.get_item(KEY).ok()??).ok());
    MEMORY.with_borrow(Clone::clone).or_else(stored).filter(Kept::is_plausible)
}

pub(super) fn write(kept: Kept) {
    let text = serde_json::to_string(&kept).unwrap_or_default();
    let stored = stores().is_some_and(|[of_tab, of_browser]| {
        let (right, other) = if kept.persistent { (of_browser, of_tab) } else { (of_tab, of_browser) };
        let _ = other.remove_item(KEY);
        // What is there is older, and would be taken for the newest.
        right.set_item(KEY, &text).map_err(|_| right.remove_item(KEY)).is_ok()
    });
    MEMORY.set((!stored).then_some(kept));
}

pub(super) fn delete() {
    MEMORY.set(None);
    for store in stores().into_iter().flatten() {
        let _ = store.remove_item(KEY);
    }
}

/// Deletes what is of one session (`None`: of any): another tab may have put there what is none of our business.
pub(super) fn delete_of(tag: Option<&str>) {
    if read().is_none_or(|kept| tag.is_none_or(|tag| kept.tag == tag)) {
        delete();
    }
}

/// What this tab keeps, and what the browser does. gloo-storage panics where the browser forbids storage (cookies off, a sandboxed frame), so the
/// browser is asked first.
fn stores() -> Option<[web_sys::Storage; 2]> {
    let allowed = matches!(leptos::prelude::window().local_storage(), Ok(Some(_)));
    allowed.then(|| [SessionStorage::raw(), LocalStorage::raw()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_in_the_last_tenth_of_its_life_but_at_most_30_s_before_its_end() {
        let table = [
            (0, 600, Age::Fresh),
            (569_999, 600, Age::Fresh),
            (570_000, 600, Age::Ending),
            (599_999, 600, Age::Ending),
            (600_000, 600, Age::Over),
            (1_799, 2, Age::Fresh),
            (1_800, 2, Age::Ending),
            (2_000, 2, Age::Over),
            (-1, 600, Age::Over),
            (0, 0, Age::Over),
        ];
        for (elapsed, life, expected) in table {
            assert_eq!(age(Span(elapsed), life), expected, "{elapsed} ms of {life} s");
        }
    }

    #[test]
    fn what_does_not_fit_a_header_is_rubbish() {
        let kept = |token: &str| Kept { access_token: token.to_owned(), expires_in: 600, obtained_at: Timestamp(0), tag: String::new(), persistent: true };
        assert!(kept("abc.def-_g").is_plausible());
        for token in ["", "a b", "a\nb", "é", "a\0"] {
            assert!(!kept(token).is_plausible(), "{token:?}");
        }
    }
}
