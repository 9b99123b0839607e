//! (server) The header of the site, with the user menu.

use crate::{
    current_user::CurrentUser,
    features::{self, log_out::LogOutForm},
    messages, routes,
    ui::{Menu, interpolate},
};
use countersign_types::{Problem, redirect_path::DEFAULT_REDIRECT, views::Account};
use leptos::prelude::*;

/// The site header.
#[component]
pub fn SiteHeader() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let links = Suspend::new(async {
        match user.account().await {
            Ok(tagged) => user_menu(tagged.account).into_any(),
            Err(Problem::Unauthenticated) => auth_links().into_any(),
            // The user is unknown.
            Err(_) => view! { <a href=DEFAULT_REDIRECT>{messages::ACCOUNT}</a> }.into_any(),
        }
    });
    view! {
        <header class="site-header cluster">
            <a class="wordmark" href="/">
                {messages::PRODUCT}
            </a>
            <nav class="site-nav cluster" aria-label=messages::HEADER_NAV>
                {links}
            </nav>
        </header>
    }
}

fn auth_links() -> impl IntoView {
    view! {
        <a href=routes::LOG_IN>{messages::LOG_IN}</a>
        <a class="button secondary" href=routes::SIGN_UP>
            {messages::SIGN_UP}
        </a>
    }
}

fn user_menu(account: Account) -> impl IntoView {
    let name = messages::user_name(&account).to_owned();
    let email = view! { <strong>{account.email}</strong> };
    view! {
        <Menu id="menu" label=name>
            <p class="menu-user">{interpolate(messages::LOGGED_IN_AS, email)}</p>
            <a href=routes::PROFILE.path>{features::profile::messages::HEADING}</a>
            <a href=routes::SESSIONS.path>{features::sessions::messages::HEADING}</a>
            <a href=routes::ACTIVITY.path>{features::activity::messages::HEADING}</a>
            <LogOutForm/>
        </Menu>
    }
}
