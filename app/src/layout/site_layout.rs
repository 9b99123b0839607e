//! (server) The header of the site, with the user menu, and its footer.

use crate::{
    brand::Brand,
    current_user::CurrentUser,
    features::log_out::LogOutForm,
    messages, request, routes,
    ui::{Icon, Menu, avatar, icon, identity, theme_switch, wordmark},
};
use countersign_types::{
    Problem,
    redirect_path::DEFAULT_REDIRECT,
    views::{Account, Role},
};
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
            Err(_) => view! { <a href=DEFAULT_REDIRECT>{messages::ACCOUNT.text()}</a> }.into_any(),
        }
    });
    let brand = Brand::of_page();
    view! {
        <header class="site-header cluster" data-part="site-header">
            <a class="wordmark" data-part="logo" href=brand.logo_url()>
                {wordmark(&brand)}
            </a>
            <nav
                class="site-nav cluster"
                data-part="site-nav"
                aria-label=messages::HEADER_NAV.text()
            >
                {links}
            </nav>
        </header>
    }
}

fn auth_links() -> impl IntoView {
    let sign_up = request::accepts_sign_ups().then(|| {
        view! {
            <a class="button secondary" data-part="button-secondary" href=routes::SIGN_UP>
                {messages::SIGN_UP.text()}
            </a>
        }
    });
    view! {
        <a href=routes::LOG_IN>{messages::LOG_IN.text()}</a>
        {sign_up}
    }
}

fn user_menu(account: Account) -> impl IntoView {
    let label = view! {
        {avatar(&account, true)}
        <span class="menu-label user-name">{messages::user_name(&account).to_owned()}</span>
    };
    let links = [routes::PROFILE, routes::SESSIONS, routes::ACTIVITY].map(|page| {
        view! {
            <a href=page.path>
                {icon(page.icon)}
                {page.heading.text()}
            </a>
        }
    });
    view! {
        <Menu id="menu" label=label.into_any()>
            <div class="menu-user">{identity(&account)}</div>
            {links.collect_view()}
            <div class="menu-log-out">{icon(Icon::LogOut)} <LogOutForm/></div>
        </Menu>
    }
}

/// The site footer: the links of the operator, and the theme switch unless the operator has chosen.
#[component]
pub fn SiteFooter() -> impl IntoView {
    let brand = Brand::of_page();
    let links = brand.links();
    let links = (!links.is_empty()).then(|| {
        let links = links.into_iter().map(|(label, url)| view! { <a href=url>{label}</a> });
        view! {
            <nav class="cluster" aria-label=messages::FOOTER_NAV.text()>
                {links.collect_view()}
            </nav>
        }
    });
    view! {
        <footer class="site-footer cluster" data-part="site-footer">
            {product(&brand)}
            {links}
            {brand.theme.is_none().then(|| theme_switch(request::chosen_theme()))}
        </footer>
    }
}

/// Renders the name of this product, unless the operator has set another one. On account pages,
/// administrators see the version, too. It is hidden from other users, because it tells attackers
/// which vulnerabilities to try.
fn product(brand: &Brand) -> impl IntoView + use<> {
    let user = expect_context::<CurrentUser>();
    let name = (!brand.has_custom_name).then(|| messages::FOOTER.text().to_owned());
    let is_account_page = routes::is_protected(&request::path());
    Suspend::new(async move {
        let is_admin = is_account_page
            && user.account().await.is_ok_and(|user| user.account.roles.contains(&Role::Admin));
        let text = if is_admin { Some(messages::version(env!("CARGO_PKG_VERSION"))) } else { name };
        text.map(|text| view! { <p>{text}</p> })
    })
}
