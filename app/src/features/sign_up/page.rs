//! (server) The sign-up page.

use super::{SignUpForm, messages};
use crate::{
    layout::auth_layout::AuthLayout,
    page_query,
    return_to::with_return_to,
    routes,
    ui::{Notice, Severity, interpolate},
};
use leptos::prelude::*;

#[component]
pub fn SignUpPage() -> impl IntoView {
    let first_admin = page_query::has(routes::SETUP).then(|| {
        view! {
            <Notice severity=Severity::Info>
                <p>{messages::FIRST_ADMIN}</p>
            </Notice>
        }
    });
    let log_in = with_return_to(routes::LOG_IN, &page_query::value("next").unwrap_or_default());
    let log_in = view! { <a href=log_in>{crate::messages::LOG_IN}</a> };
    let links = view! { <p>{interpolate(messages::ALREADY, log_in)}</p> };
    view! {
        <AuthLayout heading=messages::HEADING links=links.into_any()>
            {first_admin}
            <SignUpForm/>
        </AuthLayout>
    }
}
