//! The browser's side: in this file its APIs (locks, the channel between tabs, URLs, the
//! back-forward cache), in the submodules what the app does with them. Compiles for the server too
//! (as js-sys and web-sys do), where nothing calls the browser.

pub mod connection;
pub mod form_drafts;
pub mod js_json;
pub mod json_codec;
pub mod server_fn_client;
pub mod session;
pub mod typed_email;

use countersign_types::Timestamp;
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use js_sys::{Function, Promise};
use leptos::{
    ev::EventDescriptor,
    prelude::{
        document, set_timeout, window, window_event_listener, window_event_listener_untyped,
    },
};
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
    /// Web Locks, which web-sys offers only as an unstable API. Throws where they are missing
    /// (plain http on hosts other than localhost, old browsers).
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, callback: &JsValue) -> Result<Promise, JsValue>;
}

/// Runs `work` while it holds the lock `name`, which is unique in the browser.
///
/// Without Web Locks it runs at once: the server tolerates two concurrent refreshes.
pub async fn with_lock<T>(name: &str, work: impl Future<Output = T>) -> T {
    let _guard = acquire(name).await;
    work.await
}

/// Holds a lock until it is dropped, also if the future that owns it is cancelled.
struct LockGuard(Option<Function>);

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

async fn acquire(name: &str) -> Option<LockGuard> {
    // The lock is held while the promise that the callback returns is pending. The guard keeps the
    // function that resolves it.
    let mut release = None;
    let until_released = Promise::new(&mut |resolve, _reject| release = Some(resolve));
    let guard = LockGuard(release);

    let (granted, wait) = oneshot::channel::<()>();
    let callback = Closure::once_into_js(move |_lock: JsValue| -> Promise {
        let _ = granted.send(());
        until_released
    });
    let refused = JsFuture::from(request_lock(name, &callback).ok()?);
    // If storage is blocked, Chromium refuses each lock: it never calls the callback and only
    // rejects the promise.
    match select(wait, refused).await {
        Either::Left((Ok(()), _)) => Some(guard),
        Either::Left((Err(_), _)) | Either::Right(_) => None,
    }
}

/// Waits for `work` up to `timeout`. Returns `None` after that.
pub async fn with_timeout<T>(timeout: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(sleep(timeout))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

thread_local! {
    static CHANNEL: RefCell<Option<web_sys::BroadcastChannel>> = const { RefCell::new(None) };
}

/// Opens the broadcast channel between the tabs of this origin. `on_text` receives the messages of
/// other tabs only.
pub fn subscribe(name: &str, on_text: impl Fn(String) + 'static) {
    let Ok(channel) = web_sys::BroadcastChannel::new(name) else { return };
    let on_message =
        Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            if let Some(text) = event.data().as_string() {
                on_text(text);
            }
        });
    channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget(); // lives as long as the page
    CHANNEL.with_borrow_mut(|slot| *slot = Some(channel));
}

/// Sends a message to the other tabs.
pub fn broadcast(text: &str) {
    CHANNEL.with_borrow(|slot| {
        if let Some(channel) = slot {
            let _ = channel.post_message(&text.into());
        }
    });
}

/// Hides or shows all elements that `selector` matches.
pub fn set_hidden(selector: &str, is_hidden: bool) {
    if let Ok(elements) = document().query_selector_all(selector) {
        for element in (0..elements.length()).filter_map(|index| elements.item(index)) {
            if let Ok(element) = element.dyn_into::<web_sys::HtmlElement>() {
                element.set_hidden(is_hidden);
            }
        }
    }
}

/// Returns the first element that `selector` matches.
pub fn element(selector: &str) -> Option<web_sys::Element> {
    document().query_selector(selector).ok()?
}

/// Calls `listener` for an event anywhere in the document, also if the event doesn't bubble, as
/// long as the page lives.
pub fn on_captured_event(name: &str, listener: impl Fn(web_sys::Event) + 'static) {
    let listener = Closure::<dyn Fn(web_sys::Event)>::new(listener);
    let _ = document().add_event_listener_with_callback_and_bool(
        name,
        listener.as_ref().unchecked_ref(),
        true,
    );
    listener.forget(); // lives as long as the page
}

/// Calls `on_restore` when the page is restored from the back-forward cache.
pub fn on_bfcache_restore(on_restore: impl Fn() + 'static) {
    let handle = window_event_listener_untyped("pageshow", move |event| {
        if event.unchecked_ref::<web_sys::PageTransitionEvent>().persisted() {
            IS_LEAVING.set(false);
            on_restore();
        }
    });
    std::mem::forget(handle); // lives as long as the page
}

/// Returns whether the browser reports a network connection.
pub fn has_network() -> bool {
    window().navigator().on_line()
}

/// Calls `on_change` when the browser goes online (`true`) or offline (`false`).
pub fn on_network_change(on_change: impl Fn(bool) + Clone + 'static) {
    for (event, online) in [("online", true), ("offline", false)] {
        let on_change = on_change.clone();
        // The listeners live as long as the page.
        std::mem::forget(window_event_listener_untyped(event, move |_| on_change(online)));
    }
}

/// Waits for `duration`.
pub async fn sleep(duration: Duration) {
    let (timer, elapsed) = oneshot::channel::<()>();
    set_timeout(move || drop(timer), duration);
    let _ = elapsed.await;
}

/// Returns the session storage, or `None` if the browser blocks storage (cookies off, a sandboxed
/// frame).
pub fn tab_storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// Returns the path of this page.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Returns the query string of this page. It starts with `?` unless it is empty.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Replaces this page, in the history too, and hides its content at once: it may belong to a
/// session that has ended, and the next page may take a while.
pub fn navigate_to(url: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("hidden", "");
    }
    replace_page(url);
}

thread_local! {
    /// Whether a script has started to load another page.
    static IS_LEAVING: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a script has started to load another page.
pub fn is_leaving() -> bool {
    IS_LEAVING.get()
}

/// Returns whether the page is visible to the user.
pub fn is_visible() -> bool {
    !document().hidden()
}

/// Replaces this page, in the history too. It stays visible until the next page arrives.
pub fn replace_page(url: &str) {
    IS_LEAVING.set(true);
    let _ = window().location().replace(url);
}

/// Loads the page of a link, with a new entry in the history. An empty URL reloads this page.
pub fn follow(url: &str) {
    if url.is_empty() {
        reload();
    } else {
        IS_LEAVING.set(true);
        let _ = window().location().assign(url);
    }
}

/// Loads this page again.
pub fn reload() {
    IS_LEAVING.set(true);
    let _ = window().location().reload();
}

/// Counts a reload of this page in its entry in the history. Returns the number of those before, or
/// `u32::MAX` if they can't be counted.
pub fn count_reload() -> u32 {
    let Ok(history) = window().history() else { return u32::MAX };
    let before = history.state().ok().and_then(|state| state.as_f64()).unwrap_or_default();
    if history.replace_state(&JsValue::from_f64(before + 1.0), "").is_err() {
        return u32::MAX;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    return before as u32;
}

/// Sets the number of counted reloads to 0.
pub fn clear_reload_count() {
    if let Ok(history) = window().history()
        && history.state().is_ok_and(|state| state.as_f64().is_some())
    {
        let _ = history.replace_state(&JsValue::NULL, "");
    }
}

/// Selects the inputs that the user can change.
const VISIBLE_INPUTS: &str = "main input:not([type=hidden], [hidden])";

/// Returns whether the user has changed an input of this page.
pub fn is_anything_typed() -> bool {
    elements::<web_sys::HtmlInputElement>(VISIBLE_INPUTS).any(|input| {
        input.value() != input.default_value() || input.checked() != input.default_checked()
    })
}

/// Returns the elements that `selector` matches and that are of this type.
pub fn elements<Kind: JsCast>(selector: &str) -> impl Iterator<Item = Kind> + use<Kind> {
    let found = document().query_selector_all(selector).ok();
    let count = found.as_ref().map_or(0, web_sys::NodeList::length);
    (0..count).filter_map(move |index| found.as_ref()?.item(index)?.dyn_into().ok())
}

/// Returns whether `selector` matches an element.
pub fn has_element(selector: &str) -> bool {
    matches!(document().query_selector(selector), Ok(Some(_)))
}

/// Returns the element with this id.
pub fn element_with_id(id: &str) -> Option<web_sys::Element> {
    document().get_element_by_id(id)
}

/// Returns the input with this id.
pub fn input(id: &str) -> Option<web_sys::HtmlInputElement> {
    element_with_id(id)?.dyn_into().ok()
}

/// Returns the element that has the focus.
pub fn active_element() -> Option<web_sys::Element> {
    document().active_element()
}

/// Returns whether the page was fetched before the user followed the link to it.
pub fn was_prefetched() -> bool {
    let Some(performance) = window().performance() else { return false };
    let entry = performance.get_entries_by_type("navigation").get(0);
    js_sys::Reflect::get(&entry, &JsValue::from_str("deliveryType"))
        .is_ok_and(|delivery| delivery == "navigational-prefetch")
}

/// Returns the value of a cookie that scripts may read; empty if there is none.
pub fn cookie(name: &str) -> String {
    let cookies = js_sys::Reflect::get(&document(), &JsValue::from_str("cookie"));
    let cookies = cookies.ok().and_then(|cookies| cookies.as_string()).unwrap_or_default();
    let value = |pair: &str| Some(pair.trim().strip_prefix(name)?.strip_prefix('=')?.to_owned());
    cookies.split(';').find_map(value).unwrap_or_default()
}

/// Lifetime of cookies with a preference in seconds: a year.
pub const PREFERENCE_TTL_SECONDS: u32 = 365 * 24 * 3600;

/// Sets a cookie for all pages that scripts may read. `max_age` in seconds; 0 deletes it.
pub fn set_cookie(name: &str, value: &str, max_age: u32) {
    let is_secure = window().location().protocol().is_ok_and(|protocol| protocol == "https:");
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={max_age}; SameSite=Lax{secure}");
    let _ = js_sys::Reflect::set(
        &document(),
        &JsValue::from_str("cookie"),
        &JsValue::from_str(&cookie),
    );
}

/// Replaces the text of all elements that `selector` matches.
pub fn set_text(selector: &str, text: &str) {
    if let Ok(elements) = document().query_selector_all(selector) {
        for element in (0..elements.length()).filter_map(|index| elements.item(index)) {
            element.set_text_content(Some(text));
        }
    }
}

/// Calls `listener` for an event anywhere in the document, as long as the page lives.
pub fn on_event<Event>(event: Event, listener: impl Fn(Event::EventType) + 'static)
where
    Event: EventDescriptor + 'static,
    Event::EventType: JsCast,
{
    std::mem::forget(window_event_listener(event, listener));
}

/// Replaces the query string in the address bar without loading anything.
pub fn replace_query(query: &str) {
    let url = format!("{}{query}{}", path(), window().location().hash().unwrap_or_default());
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        let _ = history.replace_state_with_url(&state, "", Some(&url));
    }
}

/// Percent-encodes a query value.
pub fn encode_query_value(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

thread_local! {
    /// Whether the app has panicked. Then the page is never marked as hydrated again.
    static HYDRATION_DISABLED: Cell<bool> = const { Cell::new(false) };
}

/// Attribute of the root element while the page is hydrated, and of each island that was hydrated.
pub const HYDRATED_ATTRIBUTE: &str = "data-hydrated";
/// Attribute of each island: the number of elements in it that the server has rendered. The script
/// of the document compares it before it hydrates the island.
pub const ELEMENT_COUNT_ATTRIBUTE: &str = "data-elements";

/// Returns an attribute of the root element.
pub fn root_attribute(name: &str) -> Option<String> {
    document().document_element()?.get_attribute(name)
}

/// Marks the page as hydrated: from now on listeners may prevent default actions.
pub fn mark_as_hydrated() {
    if HYDRATION_DISABLED.get() {
        return;
    }
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(HYDRATED_ATTRIBUTE, "");
    }
}

/// Returns whether the page is hydrated. Check it before a listener prevents a default action.
pub fn is_hydrated() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute(HYDRATED_ATTRIBUTE))
}

/// Returns forms and links to the browser after a panic.
pub fn disable_hydration() {
    // Effects that ran before the panic may still try to mark the page.
    HYDRATION_DISABLED.set(true);
    if let Some(root) = document().document_element() {
        let _ = root.remove_attribute(HYDRATED_ATTRIBUTE);
    }
}

/// Returns the time of the browser's clock, which may be wrong and may be set back.
#[expect(clippy::cast_possible_truncation, reason = "a whole number of milliseconds")]
pub fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as i64)
}
