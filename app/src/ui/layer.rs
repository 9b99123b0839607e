//! What lies over the page for a while. The browser opens and closes it by itself; it only does not
//! notice when the keyboard leaves it.

use leptos::{
    ev,
    wasm_bindgen::JsCast,
    web_sys::{Element, EventTarget, HtmlElement},
};

/// For `focusout` of a popover: closes it when the focus goes to what it lies over. (Its opener
/// sees to it itself.)
pub(super) fn close_when_left(event: &ev::FocusEvent) {
    let (Some(layer), Some(to)) = (
        element::<HtmlElement>(event.current_target()),
        element::<Element>(event.related_target()),
    ) else {
        return;
    };
    if !layer.contains(Some(&to)) && to.get_attribute("popovertarget") != Some(layer.id()) {
        let _ = layer.hide_popover();
    }
}

pub(super) fn element<Kind: JsCast>(target: Option<EventTarget>) -> Option<Kind> {
    target?.dyn_into().ok()
}
