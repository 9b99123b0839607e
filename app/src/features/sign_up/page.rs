//! (server) The sign-up page.

use super::{SignUpForm, messages};
use crate::{
    page_query,
    return_to::with_return_to,
    routes,
    ui::{Notice, PageHeader, Severity, interpolate},
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
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {first_admin}
            <SignUpForm/>
            <p>{interpolate(messages::ALREADY, log_in)}</p>
        </div>
    }
}
