//! (server) The "not found" page.

use super::messages;
use crate::ui::PageHeader;
use leptos::prelude::*;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    crate::request::set_page_status(404);
    view! {
        <div class="stack">
            <PageHeader heading=messages::HEADING/>
            <p>{messages::EXPLANATION}</p>
            <a class="button" href="/">
                {messages::HOME}
            </a>
        </div>
    }
}
