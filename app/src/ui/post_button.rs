//! A button that posts a form without visible fields.

use crate::{browser, browser::connection};
use leptos::{ev, prelude::*};
use std::time::Duration;

/// How long the button stays disabled if the browser doesn't leave the page.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// A button that posts `fields`, the arguments of the server function, to `path`.
///
/// The browser itself submits the form, with and without scripts, and loads a new page, which shows
/// errors from its query. Scripts prevent a second submission, and one while the server is
/// unreachable, which would replace the page by an error page of the browser.
#[component]
pub fn PostButton(
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    label: &'static str,
    #[prop(optional)] described_by: Option<String>,
    #[prop(optional)] primary: bool,
) -> impl IntoView {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    let submitted = RwSignal::new(false);
    let on_submit = move |event: ev::SubmitEvent| {
        if !browser::is_hydrated() {
            return;
        }
        if submitted.try_get_untracked() == Some(true) || !connection::is_probably_online() {
            event.prevent_default();
            return;
        }
        submitted.try_set(true);
        let retry = move || {
            submitted.try_set(false);
        };
        set_timeout(retry, RETRY_DELAY);
    };
    view! {
        <form class="post-button" method="post" action=path on:submit=on_submit>
            {fields.collect_view()}
            <button
                type="submit"
                class=if primary { "button" } else { "button secondary" }
                aria-describedby=described_by
                aria-disabled=move || (submitted.try_get() == Some(true)).then_some("true")
            >
                {label}
            </button>
        </form>
    }
}
