//! (browser) Targets of events.

use leptos::{wasm_bindgen::JsCast, web_sys::EventTarget};

/// Casts the target of an event.
pub(super) fn target_as<Kind: JsCast>(target: Option<EventTarget>) -> Option<Kind> {
    target?.dyn_into().ok()
}
