//! (server) The page of a link that confirms an email address.

use super::{ChoosePasswordForm, ConfirmEmailCall, form::sign_up_again, messages};
use crate::{
    features::reset_password::{messages::FOR, read_link},
    layout::{account_layout::load_error, auth_layout::AuthLayout},
    page_query,
    return_to::with_return_to,
    routes,
    server_fn_error::ServerFnProblem,
    ui::{PostButton, interpolate, problem_notice},
};
use countersign_types::{
    Problem,
    views::{LinkAction, OpenedLink},
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn ConfirmEmailPage() -> impl IntoView {
    let content = Suspend::new(async {
        match read_link(routes::CONFIRM.to_owned()).await {
            Ok(link) => offer(link).into_any(),
            Err(ServerFnProblem(problem @ Problem::Unavailable)) => load_error(problem),
            Err(error) => sign_up_again(error.into()).into_any(),
        }
    });
    view! {
        <AuthLayout heading=messages::HEADING.text()>{content}</AuthLayout>
    }
}

fn offer(link: OpenedLink) -> impl IntoView {
    let address = view! { <strong>{link.email.clone()}</strong> };
    let form = match link.action {
        Some(LinkAction::Confirm) => confirm(&link).into_any(),
        Some(LinkAction::ChoosePassword) => {
            provide_context(link);
            view! { <ChoosePasswordForm/> }.into_any()
        }
        Some(LinkAction::LogIn) | None => log_in_first().into_any(),
    };
    view! {
        <p class="text-muted">{interpolate(FOR, address)}</p>
        {form}
    }
}

fn confirm(link: &OpenedLink) -> impl IntoView + use<> {
    let path = ConfirmEmailCall::PATH;
    let fields = vec![("link_id", link.link_id.to_string())];
    view! {
        {page_query::form_problem(path).map(problem_notice)}
        <PostButton path fields label=messages::CONFIRM.text() primary=true/>
    }
}

fn log_in_first() -> impl IntoView {
    let log_in = with_return_to(routes::LOG_IN, routes::CONFIRM);
    view! {
        <p>{messages::LOG_IN_FIRST.text()}</p>
        <p class="cluster">
            <a class="button" data-part="button-primary" href=log_in>
                {crate::messages::LOG_IN.text()}
            </a>
            <a href=routes::FORGOT>{crate::features::log_in::messages::FORGOT.text()}</a>
        </p>
    }
}
