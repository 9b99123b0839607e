//! (server) The sign-up page.

use super::{SignUpForm, messages};
use crate::{
    brand::Brand, layout::auth_layout::AuthLayout, page_query, request, return_to::with_return_to,
    routes, ui::interpolate,
};
use countersign_types::Problem;
use leptos::prelude::*;

#[component]
pub fn SignUpPage() -> impl IntoView {
    let is_setup = page_query::has(routes::SETUP);
    if !is_setup && !request::accepts_sign_ups() {
        return closed().into_any();
    }
    let (title, lead) = if is_setup {
        (Some(messages::setup_title(&Brand::of_page().name)), messages::FIRST_ADMIN)
    } else {
        (None, "")
    };
    let log_in = with_return_to(routes::LOG_IN, &page_query::value("next").unwrap_or_default());
    let log_in = view! { <a href=log_in>{crate::messages::LOG_IN}</a> };
    let links = view! { <p>{interpolate(messages::ALREADY, log_in)}</p> };
    view! {
        <AuthLayout heading=messages::HEADING title lead links=Some(links.into_any())>
            <SignUpForm/>
        </AuthLayout>
    }
    .into_any()
}

/// Renders the page while sign-up is closed.
fn closed() -> impl IntoView {
    let problem = Problem::SignUpClosed;
    let log_in = with_return_to(routes::LOG_IN, &page_query::value("next").unwrap_or_default());
    view! {
        <AuthLayout heading=messages::HEADING title=Some(problem.title().into())>
            <p>{problem.detail().into_owned()}</p>
            <a class="button" data-part="button-primary" href=log_in>
                {crate::messages::LOG_IN}
            </a>
        </AuthLayout>
    }
}
