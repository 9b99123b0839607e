//! (server) The layout of a page with a single task, such as log-in. It has no site header: the
//! logo leads to the home page, and the only links are those that belong to the task.

use crate::{messages, ui::PageHeader};
use leptos::prelude::*;

/// The layout of a page with a single task. `heading` is also the window title; `lead` is a
/// sentence below it. `children` are the content of the panel; `links` are below it.
#[component]
pub fn AuthLayout(
    heading: &'static str,
    #[prop(optional)] title: Option<String>,
    #[prop(optional)] lead: &'static str,
    #[prop(optional)] links: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="auth stack">
            <header class="auth-header">
                <a class="auth-logo" href="/" aria-label=messages::PRODUCT></a>
                <PageHeader heading title lead/>
            </header>
            <div class="auth-panel stack">{children()}</div>
            {links.map(|links| view! { <div class="auth-links stack">{links}</div> })}
        </div>
    }
}
