//! (server) The layout of a page with a single task, such as log-in. It has no site header, and the
//! only links are the logo and those that belong to the task.

use crate::{
    brand::Brand,
    ui::{PageHeader, auth_logo},
};
use leptos::prelude::*;

/// The layout of a page with a single task. `heading` is also the window title; `title` is the
/// visible heading if that is another one; `lead` is a sentence below it. `children` are the
/// content of the panel; `links` are below it.
#[component]
pub fn AuthLayout(
    heading: &'static str,
    #[prop(optional_no_strip)] title: Option<String>,
    #[prop(optional)] lead: &'static str,
    #[prop(optional_no_strip)] links: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="auth stack" data-part="auth">
            <header class="auth-header" data-part="auth-header">
                {auth_logo(&Brand::of_page())}
                <PageHeader heading title lead/>
            </header>
            <div class="auth-panel stack" data-part="auth-panel">{children()}</div>
            {links.map(auth_links)}
        </div>
    }
}

fn auth_links(links: AnyView) -> impl IntoView {
    view! {
        <div class="auth-links stack" data-part="auth-links">
            {links}
        </div>
    }
}
