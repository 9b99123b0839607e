//! A menu. It is a native popover, which opens and closes without scripts; only closing it when a
//! link is followed needs one.

use crate::ui::popover::{close_on_blur, target_as};
use leptos::{
    ev,
    prelude::*,
    web_sys::{Element, HtmlElement},
};

/// A button that opens a menu. `id` is the element id of the menu, `label` the text of the button.
#[component]
pub fn Menu(
    id: &'static str,
    label: String,
    children: crate::eager_view::EagerChildren,
) -> impl IntoView {
    let close = |event: ev::MouseEvent| {
        if target_as::<Element>(event.target())
            .is_some_and(|clicked| matches!(clicked.closest("a"), Ok(Some(_))))
            && let Some(menu) = target_as::<HtmlElement>(event.current_target())
        {
            let _ = menu.hide_popover();
        }
    };
    view! {
        <button class="button secondary menu-button" type="button" popovertarget=id>
            <span>{label}</span>
        </button>
        <div
            id=id
            class="menu"
            popover="auto"
            on:click=close
            on:focusout=|event| close_on_blur(&event)
        >
            {children.view()}
        </div>
    }
}
