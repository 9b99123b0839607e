//! (server) A button that posts a form without visible fields.

use leptos::prelude::*;

/// A button that posts a form without visible fields.
///
/// Without `when_done`, the browser itself submits the form, with and without scripts, and loads a
/// new page, which shows errors from its query. With `when_done`, scripts post the form, remove the
/// row (`li`) of the button, and show the text in `#result`, which screen readers read.
///
/// [`crate::ui::page_listeners`] does that. It prevents a second submission, and one while the
/// server is unreachable, which would replace the page by an error page of the browser.
#[component]
pub fn PostButton(
    /// The path of the server function.
    path: &'static str,
    /// The arguments of the server function.
    fields: Vec<(&'static str, String)>,
    /// The text of the button.
    label: &'static str,
    /// The element id of a description.
    #[prop(optional)]
    described_by: Option<String>,
    /// Whether the action is the main one.
    #[prop(optional)]
    primary: bool,
    /// The text that screen readers read after the row of the button was removed.
    #[prop(optional)]
    when_done: Option<String>,
) -> impl IntoView {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        <form class="post-button" method="post" action=path data-done=when_done>
            {fields.collect_view()}
            <button
                type="submit"
                class=if primary { "button" } else { "button secondary" }
                data-part=if primary { "button-primary" } else { "button-secondary" }
                aria-describedby=described_by
            >
                {label}
            </button>
        </form>
    }
}
