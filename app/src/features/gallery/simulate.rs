//! (browser) Simulated user input, to show states that only user input can cause.

use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys};
use web_sys::{
    Element, Event, EventInit, HtmlElement, HtmlInputElement, KeyboardEvent, KeyboardEventInit,
};

/// Types a text into every field that `selector` matches.
pub(crate) fn type_text(selector: &str, text: &str) {
    for field in all::<HtmlInputElement>(selector) {
        field.set_value(text);
        dispatch(&field, "input");
    }
}

/// Presses a key while Caps Lock is on, in every element that `selector` matches.
pub(crate) fn press_key_with_caps_lock(selector: &str) {
    let lock = KeyboardEventInit::new();
    lock.set_modifier_caps_lock(true);
    for field in all::<Element>(selector) {
        if let Ok(pressed) = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &lock) {
            let _ = field.dispatch_event(&pressed);
        }
    }
}

/// Clicks every element that `selector` matches.
pub(crate) fn click(selector: &str) {
    for button in all::<HtmlElement>(selector) {
        button.click();
    }
}

/// Dispatches a `submit` event to every form that `selector` matches. Only scripts handle it: the
/// browser itself submits forms only after user input.
pub(crate) fn submit(selector: &str) {
    for form in all::<Element>(selector) {
        dispatch(&form, "submit");
    }
}

fn dispatch(element: &Element, kind: &str) {
    let init = EventInit::new();
    init.set_bubbles(true);
    init.set_cancelable(true);
    if let Ok(event) = Event::new_with_event_init_dict(kind, &init) {
        let _ = element.dispatch_event(&event);
    }
}

fn all<Kind: JsCast>(selector: &str) -> Vec<Kind> {
    let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}
