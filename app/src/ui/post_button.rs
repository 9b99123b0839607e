//! (server) A button that posts a form without visible fields.

use leptos::prelude::*;

/// A button that posts `fields`, the arguments of the server function, to `path`.
///
/// The browser itself submits the form, with and without scripts, and loads a new page, which shows
/// errors from its query. With scripts, [`crate::ui::page_listeners`] prevents a second submission,
/// and one while the server is unreachable, which would replace the page by an error page of the
/// browser.
///
/// A button in a row that its action removes has a text for `when_done`: with scripts the page
/// stays, the row disappears, and screen readers read the text.
#[component]
pub fn PostButton(
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    label: &'static str,
    #[prop(optional)] described_by: Option<String>,
    #[prop(optional)] primary: bool,
    #[prop(optional)] when_done: Option<String>,
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
                aria-describedby=described_by
            >
                {label}
            </button>
        </form>
    }
}
