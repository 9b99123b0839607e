//! (server) The sign-up page.

use super::{SignUpForm, SignUpFormLink, messages};
use crate::{
    brand::Brand,
    features::reset_password::read_link,
    layout::{account_layout::load_error, auth_layout::AuthLayout},
    page_query, request,
    return_to::with_return_to,
    routes,
    server_fn_error::ServerFnProblem,
    ui::{interpolate, problem_notice},
};
use countersign_types::{Problem, views::OpenedLink};
use leptos::prelude::*;

#[component]
pub fn SignUpPage() -> impl IntoView {
    if page_query::has(routes::INVITATION) {
        return invited().into_any();
    }
    let is_setup = page_query::has(routes::SETUP);
    if let Some(problem) = request::sign_up_problem().filter(|_| !is_setup) {
        return refused(&problem).into_any();
    }
    let mut link = SignUpFormLink::default();
    let (mut title, mut lead) = (None, "");
    if is_setup {
        link.link = routes::SETUP.into();
        (title, lead) =
            (Some(messages::setup_title(&Brand::of_page().name)), messages::FIRST_ADMIN.text());
    }
    provide_context(link);
    view! {
        <AuthLayout heading=messages::HEADING.text() title lead links=Some(log_in_instead())>
            <SignUpForm/>
        </AuthLayout>
    }
    .into_any()
}

/// Renders the page for the invitation that the browser has opened.
fn invited() -> impl IntoView {
    Suspend::new(async {
        match read_link(routes::SIGN_UP.to_owned()).await {
            Ok(OpenedLink { link_id, email, .. }) => {
                provide_context(SignUpFormLink { link: link_id.to_string(), email });
                view! {
                    <AuthLayout heading=messages::HEADING.text() links=Some(log_in_instead())>
                        <SignUpForm/>
                    </AuthLayout>
                }
                .into_any()
            }
            Err(ServerFnProblem(problem @ Problem::Unavailable)) => {
                without_form(load_error(problem))
            }
            Err(error) => without_form(invitation_problem(error.into()).into_any()),
        }
    })
}

/// Renders the page with something instead of the form.
fn without_form(content: AnyView) -> AnyView {
    view! { <AuthLayout heading=messages::HEADING.text()>{content}</AuthLayout> }.into_any()
}

/// Renders what replaces the form if the invitation can't be used.
fn invitation_problem(problem: Problem) -> impl IntoView {
    let advice = (problem == Problem::LinkExpired).then_some(messages::INVITATION_ENDED.text());
    view! {
        {problem_notice(problem)}
        {advice.map(|advice| view! { <p>{advice}</p> })}
        <a class="button" data-part="button-primary" href=routes::LOG_IN>
            {crate::messages::LOG_IN.text()}
        </a>
    }
}

fn log_in_instead() -> AnyView {
    let log_in = view! { <a href=log_in_url()>{crate::messages::LOG_IN.text()}</a> };
    view! { <p>{interpolate(messages::ALREADY, log_in)}</p> }.into_any()
}

fn log_in_url() -> String {
    with_return_to(routes::LOG_IN, &page_query::value("next").unwrap_or_default())
}

/// Renders the page while sign-up is closed or by invitation only.
fn refused(problem: &Problem) -> impl IntoView + use<> {
    let (title, detail) = (problem.title().text().to_owned(), problem.detail());
    view! {
        <AuthLayout heading=messages::HEADING.text() title=Some(title)>
            <p>{detail}</p>
            <a class="button" data-part="button-primary" href=log_in_url()>
                {crate::messages::LOG_IN.text()}
            </a>
        </AuthLayout>
    }
}
