//! There is no such page.

use crate::words;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::edge::set_page_status(404);
    view! {
        <Title text=words::not_found::PAGE/>
        <div class="stack">
            <h1>{words::not_found::HEADING}</h1>
            <p>{words::not_found::WHY}</p>
            <p>
                <a href="/">{words::not_found::HOME}</a>
            </p>
        </div>
    }
}
