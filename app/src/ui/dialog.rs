//! Asks again before something is done that others will notice. A popover of the browser's own: it
//! opens, closes by Escape, and gives the focus back without scripts.

use super::layer::{close_when_left, element};
use crate::words;
use leptos::{ev, prelude::*, web_sys::HtmlElement};

/// The button that asks, and what it asks. `id`: of the dialog in the document; in `children` is
/// what does it.
#[component]
pub fn Dialog(
    id: &'static str,
    opener: &'static str,
    title: &'static str,
    means: &'static str,
    children: crate::solid::SolidChildren,
) -> impl IntoView {
    // What it asks is read out. (Closed, it cannot take the focus, which is with the button again.)
    let arrive = |event: ev::Event| {
        if let Some(dialog) = element::<HtmlElement>(event.current_target()) {
            let _ = dialog.focus();
        }
    };
    let (title_id, means_id) = (format!("{id}-title"), format!("{id}-means"));
    let (labelled_by, described_by) = (title_id.clone(), means_id.clone());
    view! {
        <button type="button" class="button quiet" popovertarget=id>
            {opener}
        </button>
        <div id=id class="dialog stack" popover="auto" role="dialog" tabindex="-1" on:toggle=arrive on:focusout=|event| close_when_left(&event) aria-labelledby=labelled_by aria-describedby=described_by>
            <h2 id=title_id>{title}</h2>
            <p id=means_id>{means}</p>
            <div class="cluster">
                {children.view()}
                <button type="button" class="button quiet" popovertarget=id popovertargetaction="hide">
                    {words::CANCEL}
                </button>
            </div>
        </div>
    }
}
