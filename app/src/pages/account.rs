//! What the pages of the account share: the navigation beside them, and what they show to somebody who is not logged in.

use super::door::link;
use crate::{address, problem::Problem, who::Who, words};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

/// The pages, in the order of the navigation.
const PAGES: [(&str, &str); 4] = [
    ("/account", words::profile::HEADING),
    ("/account/password", words::password::HEADING),
    ("/account/sessions", words::sessions::HEADING),
    ("/account/activity", words::activity::HEADING),
];

/// A page of the account. `path`: which of them.
#[component]
pub fn AccountPage(path: &'static str, children: crate::solid::SolidChildren) -> impl IntoView {
    let links = PAGES.map(|(page, name)| {
        view! {
            <li>
                <a href=page aria-current=(page == path).then_some("page")>
                    {name}
                </a>
            </li>
        }
    });
    view! {
        <div class="sidebar">
            <nav class="side" aria-label=words::ACCOUNT_NAV>
                <ul>{links.collect_view()}</ul>
            </nav>
            <div class="stack">{children.view()}</div>
        </div>
    }
}

/// In the place of what only its owner may see. The server sends strangers away before anything is rendered; this is for those who come by a link
/// inside the app. Whoever was logged in until now is led out by [`crate::who`] instead, which says what has happened.
#[component]
pub fn LogInFirst() -> impl IntoView {
    let (who, location, navigate) = (expect_context::<Who>(), use_location(), use_navigate());
    let here = format!("{}{}", location.pathname.get_untracked(), address::without_news(&location.search.get_untracked()));
    let to = link(address::LOG_IN, &here);
    let href = to.clone();
    Effect::new(move |_| {
        if matches!(who.account.now(), Some(Err(Problem::SignedOut))) {
            navigate(&to, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    view! {
        <p>{words::problem(&Problem::SignedOut)}</p>
        <a class="button" href=href>
            {words::LOG_IN}
        </a>
    }
}
