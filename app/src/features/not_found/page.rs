//! (server) The "not found" page.

use super::messages;
use crate::{
    messages::{ACCOUNT, LOG_IN},
    routes,
    ui::PageHeader,
};
use countersign_types::redirect_path::DEFAULT_REDIRECT;
use leptos::prelude::*;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    crate::request::set_page_status(404);
    let links = [(DEFAULT_REDIRECT, ACCOUNT), (routes::LOG_IN, LOG_IN)]
        .map(|(path, name)| view! { <a href=path>{name.text()}</a> });
    view! {
        <div class="auth stack" data-part="auth">
            <header class="auth-header" data-part="auth-header">
                <PageHeader heading=messages::HEADING.text() lead=messages::EXPLANATION.text()/>
            </header>
            <a class="button" data-part="button-primary" href="/">
                {messages::HOME.text()}
            </a>
            <p class="auth-links cluster" data-part="auth-links">{links.collect_view()}</p>
        </div>
    }
}
