//! (server) The page "This wasn't me".

use super::{SecureAccountCall, messages};
use crate::{
    features::reset_password::{form::link_problem, messages::FOR, read_link},
    layout::{account_layout::load_error, auth_layout::AuthLayout},
    page_query, routes,
    server_fn_error::ServerFnProblem,
    ui::{PostButton, interpolate, problem_notice},
};
use countersign_types::{Problem, views::OpenedLink};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn SecureAccountPage() -> impl IntoView {
    let content = Suspend::new(async {
        match read_link(routes::SECURE.to_owned()).await {
            Ok(link) => form(link).into_any(),
            Err(ServerFnProblem(problem @ Problem::Unavailable)) => load_error(problem),
            Err(error) => link_problem(error.into()).into_any(),
        }
    });
    view! {
        <AuthLayout heading=messages::HEADING.text()>{content}</AuthLayout>
    }
}

fn form(OpenedLink { link_id, email, .. }: OpenedLink) -> impl IntoView {
    let fields = vec![("link_id", link_id.to_string())];
    let address = view! { <strong>{email}</strong> };
    view! {
        {page_query::form_problem(SecureAccountCall::PATH).map(problem_notice)}
        <p class="text-muted">{interpolate(FOR, address)}</p>
        <p>{messages::EXPLANATION.text()}</p>
        <PostButton
            path=SecureAccountCall::PATH
            fields
            label=messages::CONTINUE.text()
            primary=true
        />
    }
}
