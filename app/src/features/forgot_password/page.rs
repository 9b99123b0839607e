//! (server) The page for a forgotten password. It asks for the address, and then for the code.

use super::{EnterCodeForm, ForgotPasswordForm, messages};
use crate::{
    page_query, routes,
    ui::{Cooldown, PageHeader, interpolate},
};
use leptos::prelude::*;

#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    if page_query::has(routes::SENT) { code_page().into_any() } else { address_page().into_any() }
}

fn address_page() -> impl IntoView {
    let log_in = view! { <a href=routes::LOG_IN>{crate::messages::LOG_IN}</a> };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING lead=messages::LEAD/>
            <ForgotPasswordForm/>
            <p>{interpolate(messages::BACK, log_in)}</p>
        </div>
    }
}

fn code_page() -> impl IntoView {
    let change = view! { <a href=routes::FORGOT>{messages::CHANGE_IT}</a> };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::SENT_HEADING/>
            <p>{messages::SENT}</p>
            <EnterCodeForm/>
            <p>{messages::NOTHING_THERE}</p>
            <Cooldown>
                <a href=routes::FORGOT>{messages::SEND_ANOTHER}</a>
            </Cooldown>
            <p>{interpolate(messages::WRONG_ADDRESS, change)}</p>
        </div>
    }
}
