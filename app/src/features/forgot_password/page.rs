//! (server) The page for a forgotten password. It asks for the address, and then for the code.

use super::{EnterCodeForm, ForgotPasswordForm, messages};
use crate::{
    layout::auth_layout::AuthLayout,
    page_query, routes,
    ui::{Cooldown, interpolate},
};
use leptos::prelude::*;

#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    if page_query::has(routes::SENT) { code_page().into_any() } else { address_page().into_any() }
}

fn address_page() -> impl IntoView {
    let log_in = view! { <a href=routes::LOG_IN>{crate::messages::LOG_IN.text()}</a> };
    let links = view! { <p>{interpolate(messages::BACK, log_in)}</p> };
    view! {
        <AuthLayout
            heading=messages::HEADING.text()
            lead=messages::LEAD.text()
            links=Some(links.into_any())
        >
            <ForgotPasswordForm/>
        </AuthLayout>
    }
}

fn code_page() -> impl IntoView {
    let change = view! { <a href=routes::FORGOT>{messages::CHANGE_IT.text()}</a> };
    let links = view! {
        <p>{messages::NOTHING_THERE.text()}</p>
        <Cooldown>
            <a href=routes::FORGOT>{messages::SEND_ANOTHER.text()}</a>
        </Cooldown>
        <p>{interpolate(messages::WRONG_ADDRESS, change)}</p>
    };
    view! {
        <AuthLayout
            heading=messages::SENT_HEADING.text()
            lead=messages::SENT.text()
            links=Some(links.into_any())
        >
            <EnterCodeForm/>
        </AuthLayout>
    }
}
