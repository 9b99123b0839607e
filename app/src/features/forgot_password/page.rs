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
    let log_in = view! { <a href=routes::LOG_IN>{crate::messages::LOG_IN}</a> };
    let links = view! { <p>{interpolate(messages::BACK, log_in)}</p> };
    view! {
        <AuthLayout heading=messages::HEADING lead=messages::LEAD links=Some(links.into_any())>
            <ForgotPasswordForm/>
        </AuthLayout>
    }
}

fn code_page() -> impl IntoView {
    let change = view! { <a href=routes::FORGOT>{messages::CHANGE_IT}</a> };
    let links = view! {
        <p>{messages::NOTHING_THERE}</p>
        <Cooldown>
            <a href=routes::FORGOT>{messages::SEND_ANOTHER}</a>
        </Cooldown>
        <p>{interpolate(messages::WRONG_ADDRESS, change)}</p>
    };
    view! {
        <AuthLayout heading=messages::SENT_HEADING lead=messages::SENT links=Some(links.into_any())>
            <EnterCodeForm/>
        </AuthLayout>
    }
}
