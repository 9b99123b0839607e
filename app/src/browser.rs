//! The browser itself: locks, the channel between tabs, addresses and the back-forward cache. It
//! knows nothing of sessions. Compiles for the server too (js-sys and web-sys do); nothing here is
//! ever called there.

use countersign_types::Timestamp;
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use js_sys::{Function, Promise};
use leptos::prelude::{document, set_timeout, window, window_event_listener_untyped};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    time::Duration,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// Written by hand, because web-sys has Web Locks only as unstable. Throws where there are none
    /// (plain http off localhost, old browsers).
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, callback: &JsValue) -> Result<Promise, JsValue>;
}

/// Runs `work` while holding the lock `name`, of which there is one in the whole browser. Where
/// there are no locks it simply runs: the server bears with two renewals at once.
pub async fn with_lock<T>(name: &str, work: impl Future<Output = T>) -> T {
    let _held = acquire(name).await;
    work.await
}

/// Holds a lock until it is dropped, also when the future that owns it is dropped half way.
struct Held(Option<Function>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

async fn acquire(name: &str) -> Option<Held> {
    // The lock is ours for as long as the promise that the callback returns is pending. We keep
    // what ends it.
    let mut release = None;
    let until_released = Promise::new(&mut |resolve, _reject| release = Some(resolve));
    let held = Held(release);

    let (granted, wait) = oneshot::channel::<()>();
    let callback = Closure::once_into_js(move |_lock: JsValue| -> Promise {
        let _ = granted.send(());
        until_released
    });
    let refused = JsFuture::from(request_lock(name, &callback).ok()?);
    // Where storage is blocked, Chromium has locks but refuses each: the callback is never called,
    // only the promise ends.
    match select(wait, refused).await {
        Either::Left((Ok(()), _)) => Some(held),
        Either::Left((Err(_), _)) | Either::Right(_) => None,
    }
}

/// Waits for `work`, but not longer than `limit`.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(pause(limit))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

thread_local! {
    static CHANNEL: RefCell<Option<web_sys::BroadcastChannel>> = const { RefCell::new(None) };
}

/// Opens the channel between the tabs of this origin. `heard` gets what *other* tabs say, never our
/// own words.
pub fn listen(name: &str, heard: impl Fn(String) + 'static) {
    let Ok(channel) = web_sys::BroadcastChannel::new(name) else { return };
    let on_message =
        Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            if let Some(text) = event.data().as_string() {
                heard(text);
            }
        });
    channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget(); // lives as long as the page
    CHANNEL.with_borrow_mut(|slot| *slot = Some(channel));
}

/// Says something to the other tabs.
pub fn say(text: &str) {
    CHANNEL.with_borrow(|slot| {
        if let Some(channel) = slot {
            let _ = channel.post_message(&text.into());
        }
    });
}

/// Runs `back` when the page comes out of the back-forward cache.
pub fn on_restored(back: impl Fn() + 'static) {
    let handle = window_event_listener_untyped("pageshow", move |event| {
        if event.unchecked_ref::<web_sys::PageTransitionEvent>().persisted() {
            back();
        }
    });
    std::mem::forget(handle); // lives as long as the page
}

/// Whether there is a network at all, as far as the browser can tell.
pub fn has_network() -> bool {
    window().navigator().on_line()
}

/// Says when the network comes and goes.
pub fn on_network(changed: impl Fn(bool) + Clone + 'static) {
    for (event, there) in [("online", true), ("offline", false)] {
        let changed = changed.clone();
        // They live as long as the page.
        std::mem::forget(window_event_listener_untyped(event, move |_| changed(there)));
    }
}

/// Does nothing for a while.
pub async fn pause(time: Duration) {
    let (ring, bell) = oneshot::channel::<()>();
    set_timeout(move || drop(ring), time);
    let _ = bell.await;
}

/// What this tab can keep. Looked at first by asking for it, because the browser may forbid storage
/// (cookies off, a sandboxed frame).
pub fn tab_storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// The path of this page.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// The query string of this page, with its `?` unless it is empty.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Leaves this page for good: a real load, so that nothing of the page survives in memory, and no
/// way back to it. What it shows is hidden at once, because the next page may take its time.
pub fn leave(address: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("hidden", "");
    }
    let _ = window().location().replace(address);
}

/// Changes the query string in the address bar, and nothing else.
pub fn show_query(query: &str) {
    let address = format!("{}{query}{}", path(), window().location().hash().unwrap_or_default());
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        let _ = history.replace_state_with_url(&state, "", Some(&address));
    }
}

/// A value for a query string.
pub fn escape(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// The reverse of [`escape`]; what cannot be reversed is nothing.
pub fn unescape(text: &str) -> String {
    js_sys::decode_uri_component(text).map(String::from).unwrap_or_default()
}

thread_local! {
    /// Whether the program has panicked, after which it never takes the page over again.
    static GIVEN_BACK: Cell<bool> = const { Cell::new(false) };
}

/// On the root element while the whole page is taken over.
const HYDRATED: &str = "data-hydrated";
/// On the root element: how many [`ELEMENTS`] the server has rendered.
pub const COUNT: &str = "data-elements";
/// Every element that the app renders, but for the first and the last of the body.
const ELEMENTS: &str = "header,header *,main,main *,footer,footer *";
/// The last element of the top level, if all of it comes first in the body.
const TOP_LEVEL: &str = ".skip:first-child+header+main+footer+.connection";

/// Whether the elements are still those that the server rendered. If not, hydration would attach
/// listeners to elements of a browser extension, or would end half way. Joins texts that were
/// split.
pub fn is_as_rendered() -> bool {
    if let Some(body) = document().body() {
        body.normalize();
    }
    let rendered = document().document_element().and_then(|root| root.get_attribute(COUNT));
    let found =
        |selector| document().query_selector_all(selector).map_or(0, |found| found.length());
    found(TOP_LEVEL) == 1
        && rendered.is_some_and(|rendered| rendered == found(ELEMENTS).to_string())
}

/// From now on the whole page is taken over: listeners may act in the place of the browser.
pub fn mark_as_hydrated() {
    if GIVEN_BACK.get() {
        return;
    }
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(HYDRATED, "");
    }
}

/// Whether the whole page is taken over. Ask before a listener prevents what the browser would do
/// by itself.
pub fn is_hydrated() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute(HYDRATED))
}

/// Called when the program has panicked: forms and links are the browser's again.
pub fn give_back() {
    // Effects that ran before the panic may still mark the page.
    GIVEN_BACK.set(true);
    if let Some(root) = document().document_element() {
        let _ = root.remove_attribute(HYDRATED);
    }
    if let Ok(links) = document().query_selector_all("a") {
        for link in (0..links.length())
            .filter_map(|index| links.item(index)?.dyn_into::<web_sys::Element>().ok())
        {
            // The listener of the router leaves such a link alone.
            let _ = link.set_attribute("rel", "external");
        }
    }
}

/// The time by this browser's clock, which may be wrong and may be set back.
#[expect(clippy::cast_possible_truncation, reason = "whole milliseconds are all that is wanted")]
pub fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as i64)
}
