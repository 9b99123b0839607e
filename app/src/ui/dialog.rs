//! (server) A confirmation dialog. It is a native popover: opening, closing with Escape and
//! returning the focus work without scripts. With scripts, [`crate::ui::page_listeners`] moves the
//! focus to it.

use crate::messages;
use leptos::prelude::*;

/// A button that opens a dialog.
#[component]
pub fn Dialog(
    /// The element id of the dialog.
    id: &'static str,
    /// The text of the button.
    button_label: &'static str,
    /// The title of the dialog.
    title: &'static str,
    /// A sentence on the effect.
    description: &'static str,
    /// The controls that confirm the action.
    children: Children,
) -> impl IntoView {
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-means"));
    let (labelled_by, described_by) = (title_id.clone(), description_id.clone());
    view! {
        <button
            type="button"
            class="button secondary"
            data-part="button-secondary"
            popovertarget=id
        >
            {button_label}
        </button>
        <div
            id=id
            class="dialog stack"
            data-part="dialog"
            popover="auto"
            role="dialog"
            tabindex="-1"
            aria-labelledby=labelled_by
            aria-describedby=described_by
        >
            <h2 id=title_id>{title}</h2>
            <p id=description_id>{description}</p>
            <div class="cluster">
                {children()}
                <button
                    type="button"
                    class="button secondary" data-part="button-secondary"
                    popovertarget=id
                    popovertargetaction="hide"
                >
                    {messages::CANCEL.text()}
                </button>
            </div>
        </div>
    }
}
