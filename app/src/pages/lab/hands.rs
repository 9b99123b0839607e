//! (browser) What people do to a page, done to it by itself, so that a state can be looked at which
//! nothing but a hand brings about.

use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys};
use web_sys::{
    Element, Event, EventInit, HtmlElement, HtmlInputElement, KeyboardEvent, KeyboardEventInit,
};

/// Types into every field that `which` selects.
pub(super) fn types(which: &str, text: &str) {
    for field in all::<HtmlInputElement>(which) {
        field.set_value(text);
        tell(&field, "input");
    }
}

/// Presses a key in it while Caps Lock is on.
pub(super) fn has_caps_lock(which: &str) {
    let lock = KeyboardEventInit::new();
    lock.set_modifier_caps_lock(true);
    for field in all::<Element>(which) {
        if let Ok(pressed) = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &lock) {
            let _ = field.dispatch_event(&pressed);
        }
    }
}

/// Clicks on each.
pub(super) fn presses(which: &str) {
    for button in all::<HtmlElement>(which) {
        button.click();
    }
}

/// Sends every such form, as far as scripts are asked: the browser itself sends only what people
/// do.
pub(super) fn sends(which: &str) {
    for form in all::<Element>(which) {
        tell(&form, "submit");
    }
}

fn tell(element: &Element, what: &str) {
    let init = EventInit::new();
    init.set_bubbles(true);
    init.set_cancelable(true);
    if let Ok(event) = Event::new_with_event_init_dict(what, &init) {
        let _ = element.dispatch_event(&event);
    }
}

fn all<Kind: JsCast>(which: &str) -> Vec<Kind> {
    let Ok(found) = document().query_selector_all(which) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}
