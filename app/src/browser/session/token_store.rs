//! (browser) The storage of the access token: local storage for a persistent session, session
//! storage (which ends with the tab) for any other, memory if storage is blocked or full. Nothing
//! else is stored.

use crate::{
    browser,
    browser::{
        js_json,
        js_json::{FromJs, property},
    },
};
use countersign_types::{TimeSpan, Timestamp, views::SessionTokens};
use gloo_storage::{LocalStorage, SessionStorage, Storage};
use leptos::wasm_bindgen::JsValue;
use std::cell::RefCell;

const KEY: &str = "countersign";

thread_local! {
    /// Used only if storage fails.
    static MEMORY: RefCell<Option<StoredToken>> = const { RefCell::new(None) };
}

/// An access token with its metadata. It has no `Debug`, which would show the token.
#[derive(Clone, PartialEq)]
pub(super) struct StoredToken {
    pub(super) access_token: String,
    /// Lifetime in seconds.
    expires_in: u32,
    /// When the token was received, by the clock of this browser. No other clock is needed to
    /// compute its age.
    pub(super) obtained_at: Timestamp,
    /// The tag of its session.
    pub(super) tag: String,
    /// Whether the session outlives the browser.
    persistent: bool,
}

impl FromJs for StoredToken {
    fn from_js(value: &JsValue) -> Option<Self> {
        Some(Self {
            access_token: property(value, "access_token")?,
            expires_in: property(value, "expires_in")?,
            obtained_at: Timestamp(property(value, "obtained_at")?),
            tag: property(value, "tag")?,
            persistent: property(value, "persistent")?,
        })
    }
}

/// The freshness of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Valid.
    Fresh,
    /// Valid, but about to expire: refresh it first.
    Expiring,
    /// No longer valid.
    Expired,
}

impl StoredToken {
    pub(super) fn new(session: SessionTokens, obtained_at: Timestamp) -> Self {
        Self {
            access_token: session.access_token,
            expires_in: session.expires_in,
            obtained_at,
            tag: session.account.session_tag,
            persistent: session.persistent,
        }
    }

    pub(super) fn freshness(&self) -> Freshness {
        freshness(browser::now().since(self.obtained_at), self.expires_in)
    }

    /// Serializes the token as JSON, for the storage and for other tabs.
    pub(super) fn write(&self) -> String {
        let text = |text: &str| JsValue::from_str(text);
        #[expect(
            clippy::cast_precision_loss,
            reason = "JavaScript stores milliseconds as f64, too"
        )]
        let obtained_at = JsValue::from_f64(self.obtained_at.0 as f64);
        js_json::write(&[
            ("access_token", text(&self.access_token)),
            ("expires_in", JsValue::from_f64(self.expires_in.into())),
            ("obtained_at", obtained_at),
            ("tag", text(&self.tag)),
            ("persistent", JsValue::from_bool(self.persistent)),
        ])
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        js_json::read(text)
    }

    /// Returns whether the token is valid in a header. The storage may contain anything.
    fn is_well_formed(&self) -> bool {
        !self.access_token.is_empty()
            && self.access_token.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// Returns the freshness of a token after `elapsed`.
///
/// A token is refreshed when a tenth of its lifetime is left, at most 30 s. With a fixed time, a
/// short-lived token would be stale from the start. A negative age also counts as expired: the
/// clock was set back, so the true age is unknown.
fn freshness(elapsed: TimeSpan, expires_in: u32) -> Freshness {
    let lifetime = TimeSpan::seconds(expires_in.into());
    if elapsed < TimeSpan(0) || elapsed >= lifetime {
        Freshness::Expired
    } else if elapsed.0 >= lifetime.0 - (lifetime.0 / 10).min(30_000) {
        Freshness::Expiring
    } else {
        Freshness::Fresh
    }
}

/// Reads the stored token. Malformed data counts as none.
pub(super) fn read() -> Option<StoredToken> {
    let stored =
        || stores()?.iter().find_map(|store| StoredToken::read(&store.get_item(KEY).ok()??));
    MEMORY.with_borrow(Clone::clone).or_else(stored).filter(StoredToken::is_well_formed)
}

pub(super) fn write(token: StoredToken) {
    let text = token.write();
    let is_stored = stores().is_some_and(|[of_tab, of_browser]| {
        let (target, other) =
            if token.persistent { (of_browser, of_tab) } else { (of_tab, of_browser) };
        let _ = other.remove_item(KEY);
        // If it can't be replaced, the older token must not be read as the newest.
        target.set_item(KEY, &text).map_err(|_| target.remove_item(KEY)).is_ok()
    });
    MEMORY.set((!is_stored).then_some(token));
}

pub(super) fn delete() {
    MEMORY.set(None);
    for store in stores().into_iter().flatten() {
        let _ = store.remove_item(KEY);
    }
}

/// Deletes the token of one session (`None`: of any session). Another tab may have stored the token
/// of a different session.
pub(super) fn delete_of(tag: Option<&str>) {
    if read().is_none_or(|stored| tag.is_none_or(|tag| stored.tag == tag)) {
        delete();
    }
}

/// Returns whether a token can be stored, so that the next page finds it.
pub(super) fn is_writable() -> bool {
    const PROBE: &str = "countersign-probe";
    let is_writable = |store: web_sys::Storage| {
        store.set_item(PROBE, "1").and_then(|()| store.remove_item(PROBE)).is_ok()
    };
    stores().is_some_and(|stores| stores.into_iter().all(is_writable))
}

/// Returns session storage and local storage. `gloo-storage` panics if the browser blocks storage
/// (cookies off, a sandboxed frame), so that is checked first.
fn stores() -> Option<[web_sys::Storage; 2]> {
    let allowed = matches!(leptos::prelude::window().local_storage(), Ok(Some(_)));
    allowed.then(|| [SessionStorage::raw(), LocalStorage::raw()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_expiring_in_last_tenth_but_at_most_30_seconds() {
        let table = [
            (0, 600, Freshness::Fresh),
            (569_999, 600, Freshness::Fresh),
            (570_000, 600, Freshness::Expiring),
            (599_999, 600, Freshness::Expiring),
            (600_000, 600, Freshness::Expired),
            (1_799, 2, Freshness::Fresh),
            (1_800, 2, Freshness::Expiring),
            (2_000, 2, Freshness::Expired),
            (-1, 600, Freshness::Expired),
            (0, 0, Freshness::Expired),
        ];
        for (elapsed, lifetime, expected) in table {
            assert_eq!(
                freshness(TimeSpan(elapsed), lifetime),
                expected,
                "{elapsed} ms of {lifetime} s"
            );
        }
    }

    #[test]
    fn token_that_is_invalid_in_a_header_is_malformed() {
        let stored = |token: &str| StoredToken {
            access_token: token.to_owned(),
            expires_in: 600,
            obtained_at: Timestamp(0),
            tag: String::new(),
            persistent: true,
        };
        assert!(stored("abc.def-_g").is_well_formed());
        for token in ["", "a b", "a\nb", "é", "a\0"] {
            assert!(!stored(token).is_well_formed(), "{token:?}");
        }
    }
}
