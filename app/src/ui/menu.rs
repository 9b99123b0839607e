//! What opens under a button. It is a popover of the browser's own, which opens and closes it by
//! itself, so it needs no script; only that a link in it closes it does.

use super::layer::{close_when_left, element};
use leptos::{
    ev,
    prelude::*,
    web_sys::{Element, HtmlElement},
};

/// `id`: of the menu in the document. `label`: what the button says.
#[component]
pub fn Menu(
    id: &'static str,
    label: String,
    children: crate::solid::SolidChildren,
) -> impl IntoView {
    let close = |event: ev::MouseEvent| {
        if element::<Element>(event.target())
            .is_some_and(|pressed| matches!(pressed.closest("a"), Ok(Some(_))))
            && let Some(menu) = element::<HtmlElement>(event.current_target())
        {
            let _ = menu.hide_popover();
        }
    };
    view! {
        <button class="button quiet menu-opener" type="button" popovertarget=id>
            <span>{label}</span>
        </button>
        <div id=id class="menu" popover="auto" on:click=close on:focusout=|event| close_when_left(&event)>
            {children.view()}
        </div>
    }
}
