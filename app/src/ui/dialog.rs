//! A confirmation dialog. It is a native popover: opening, closing with Escape and returning the
//! focus work without scripts.

use crate::{
    messages,
    ui::popover::{close_on_blur, target_as},
};
use leptos::{ev, prelude::*, web_sys::HtmlElement};

/// A button that opens a dialog. `id` is the element id of the dialog. `children` are the controls
/// that confirm the action.
#[component]
pub fn Dialog(
    id: &'static str,
    button_label: &'static str,
    title: &'static str,
    description: &'static str,
    children: crate::eager_view::EagerChildren,
) -> impl IntoView {
    // Screen readers read the focused dialog. When it closes, it can't take the focus, which
    // returns to the button.
    let focus = |event: ev::Event| {
        if let Some(dialog) = target_as::<HtmlElement>(event.current_target()) {
            let _ = dialog.focus();
        }
    };
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-means"));
    let (labelled_by, described_by) = (title_id.clone(), description_id.clone());
    view! {
        <button type="button" class="button secondary" popovertarget=id>
            {button_label}
        </button>
        <div
            id=id
            class="dialog stack"
            popover="auto"
            role="dialog"
            tabindex="-1"
            on:toggle=focus
            on:focusout=|event| close_on_blur(&event)
            aria-labelledby=labelled_by
            aria-describedby=described_by
        >
            <h2 id=title_id>{title}</h2>
            <p id=description_id>{description}</p>
            <div class="cluster">
                {children.view()}
                <button
                    type="button"
                    class="button secondary"
                    popovertarget=id
                    popovertargetaction="hide"
                >
                    {messages::CANCEL}
                </button>
            </div>
        </div>
    }
}
