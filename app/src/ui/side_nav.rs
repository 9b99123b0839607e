//! The navigation beside the pages of one place.

use leptos::prelude::*;

/// `pages`: addresses and names; `current`: the address of this one.
#[component]
pub fn SideNav(label: &'static str, pages: &'static [(&'static str, &'static str)], current: &'static str) -> impl IntoView {
    let links = pages.iter().map(|(page, name)| {
        view! {
            <li>
                <a href=*page aria-current=(*page == current).then_some("page")>
                    {*name}
                </a>
            </li>
        }
    });
    view! {
        <nav class="side" aria-label=label>
            <ul>{links.collect_view()}</ul>
        </nav>
    }
}
