//! (server) The header of a page: its heading and the window title.

use crate::{brand::Brand, messages};
use leptos::prelude::*;
use leptos_meta::Title;

/// The header of a page.
#[component]
pub fn PageHeader(
    /// The heading, which is also the window title.
    heading: &'static str,
    /// The visible heading if it is another one.
    #[prop(optional_no_strip)]
    title: Option<String>,
    /// An introduction below the heading.
    #[prop(optional)]
    lead: &'static str,
) -> impl IntoView {
    view! {
        {window_title(&messages::window_title(heading, &Brand::of_page().name))}
        <h1 data-part="title">{title.unwrap_or_else(|| heading.to_owned())}</h1>
        {(!lead.is_empty()).then(|| view! { <p class="text-muted" data-part="lead">{lead}</p> })}
    }
}

/// Renders the window title.
pub fn window_title(text: &str) -> impl IntoView + use<> {
    // `leptos_meta` writes the text as it is.
    view! { <Title text=text.replace('&', "&amp;").replace('<', "&lt;")/> }
}
