//! (server) The layout of a page with a single task, such as log-in. It has no site header, and the
//! only links are the logo and those that belong to the task.

use crate::{
    brand::Brand,
    ui::{PageHeader, auth_logo},
};
use leptos::prelude::*;

/// The layout of a page with a single task.
#[component]
pub fn AuthLayout(
    /// The heading, which is also the window title.
    heading: &'static str,
    /// The visible heading if it is another one.
    #[prop(optional_no_strip)]
    title: Option<String>,
    /// A sentence below the heading.
    #[prop(optional)]
    lead: &'static str,
    /// Links below the panel.
    #[prop(optional_no_strip)]
    links: Option<AnyView>,
    /// The content of the panel.
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
