//! Native popovers. The browser opens and closes them, but doesn't close them when they lose the
//! keyboard focus.

use leptos::{
    ev,
    wasm_bindgen::JsCast,
    web_sys::{Element, EventTarget, HtmlElement},
};

/// Closes a popover when the focus moves out of it. The handler of its `focusout` event. The button
/// of the popover toggles it itself.
pub(super) fn close_on_blur(event: &ev::FocusEvent) {
    let (Some(popover), Some(to)) = (
        target_as::<HtmlElement>(event.current_target()),
        target_as::<Element>(event.related_target()),
    ) else {
        return;
    };
    if !popover.contains(Some(&to)) && to.get_attribute("popovertarget") != Some(popover.id()) {
        let _ = popover.hide_popover();
    }
}

/// Casts the target of an event.
pub(super) fn target_as<Kind: JsCast>(target: Option<EventTarget>) -> Option<Kind> {
    target?.dyn_into().ok()
}
