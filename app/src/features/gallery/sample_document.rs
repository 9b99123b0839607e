//! (server) The document in the frame of an entry: its sample and nothing else.

use super::{
    page::{STYLE, Shown, frame_theme},
    samples::sample_user,
};
use crate::{
    brand::Brand,
    browser::HYDRATED_ATTRIBUTE,
    current_user::provide_current_user,
    layout::document::{SiteFiles, head, layout},
    messages,
    time_zone::provide_zone,
};
use leptos::{attr::custom::custom_attribute, prelude::*};
use leptos_meta::{MetaTags, provide_meta_context};

/// Renders the document of the sample that the query asks for. Its type is erased, as that of
/// [`App`](crate::App).
pub fn sample_document(files: &SiteFiles) -> AnyView {
    provide_meta_context();
    provide_context(sample_user());
    provide_current_user();
    provide_zone();
    let brand = Brand::of_page();
    let shown = Shown::of_page();
    let shown_as_hydrated = custom_attribute(HYDRATED_ATTRIBUTE, "");
    let sample = shown.entry.map(|entry| (entry.sample)());
    view! {
        <!DOCTYPE html>
        <html
            lang=messages::LANGUAGE.text()
            data-theme=frame_theme(shown)
            data-layout=layout(&brand)
            data-brand=brand.has_custom_name.then_some("")
            data-text=shown.text_size()
            class="gallery-sample"
            // Shows what needs scripts.
            {..shown_as_hydrated}
        >
            <head>
                {head(frame_theme(shown), &files.style, &brand)}
                <link rel="stylesheet" href=STYLE/>
                <title>{shown.entry.map_or("", |entry| entry.name)}</title>
                <MetaTags/>
            </head>
            <body>
                <div class="stack">{sample}</div>
            </body>
        </html>
    }
    .into_any()
}
