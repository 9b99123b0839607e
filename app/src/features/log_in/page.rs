//! (server) The log-in page.

use super::{LogInForm, messages};
use crate::{
    brand::Brand,
    current_user::CurrentUser,
    layout::auth_layout::AuthLayout,
    page_query, request,
    return_to::with_return_to,
    routes,
    ui::{Notice, Severity, interpolate},
};
use countersign_types::{Message, views::Account};
use leptos::prelude::*;

/// Messages about what led to this page, by query parameter.
const FLASH_MESSAGES: [(&str, Message); 4] = [
    (routes::PASSWORD_RESET, messages::PASSWORD_RESET),
    (routes::LOGGED_OUT, messages::LOGGED_OUT),
    (routes::LOGGED_OUT_ELSEWHERE, messages::LOGGED_OUT_ELSEWHERE),
    (routes::SESSION_EXPIRED, messages::SESSION_EXPIRED),
];

#[component]
pub fn LogInPage() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let next = page_query::value("next").unwrap_or_default();
    let sign_up = with_return_to(routes::SIGN_UP, &next);
    let continue_url = request::return_url(&next);
    let signed_in = Suspend::new(async move {
        user.account().await.ok().map(|user| signed_in_notice(&user.account, continue_url))
    });
    let sign_up = view! { <a href=sign_up>{crate::messages::SIGN_UP.text()}</a> };
    let links = request::accepts_sign_ups()
        .then(|| view! { <p>{interpolate(messages::NEW_HERE, sign_up)}</p> }.into_any());
    view! {
        <AuthLayout
            heading=crate::messages::LOG_IN.text()
            title=Some(messages::title(&Brand::of_page().name))
            links
        >
            {signed_in}
            {flash_notice()}
            <LogInForm/>
        </AuthLayout>
    }
}

/// Renders the message about what led to this page. The style sheet hides it as soon as the form
/// has a notice of its own.
fn flash_notice() -> impl IntoView {
    FLASH_MESSAGES.into_iter().find(|(param, _)| page_query::has(param)).map(|(_, message)| {
        view! {
            <div class="flash">
                <Notice severity=Severity::Info>
                    <p>{message.text()}</p>
                </Notice>
            </div>
        }
    })
}

/// Offers to continue without another log-in.
fn signed_in_notice(account: &Account, url: String) -> impl IntoView + use<> {
    let email = account.email.clone();
    view! {
        <Notice severity=Severity::Info>
            <p>{interpolate(crate::messages::LOGGED_IN_AS, email)}</p>
            <p>
                <a href=url>{messages::CONTINUE.text()}</a>
            </p>
        </Notice>
    }
}
