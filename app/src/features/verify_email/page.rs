//! (server) The page for the code that completes a sign-up or log-in.

use super::{ResendVerificationCall, VerifyEmailForm, messages};
use crate::{
    layout::auth_layout::AuthLayout,
    page_query, request,
    return_to::with_return_to,
    routes,
    ui::{Cooldown, Notice, PostButton, Severity, interpolate, problem_notice},
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    let next = page_query::value("next").unwrap_or_default();
    let problem = page_query::form_problem(ResendVerificationCall::PATH);
    let is_sent_again = page_query::has(routes::SENT) && problem.is_none();
    let sent_again = is_sent_again.then(|| {
        view! {
            <Notice severity=Severity::Info>
                <p>{messages::SENT_AGAIN.text()}</p>
            </Notice>
        }
    });
    let sign_up = with_return_to(routes::SIGN_UP, &next);
    let log_in = with_return_to(routes::LOG_IN, &next);
    let change = view! { <a href=sign_up>{messages::CHANGE_IT.text()}</a> };
    let log_in = view! { <a href=log_in>{crate::messages::LOG_IN.text()}</a> };
    let fields = vec![("next", next)];
    let links = view! {
        <p>{messages::NOTHING_THERE.text()}</p>
        <Cooldown>
            <PostButton
                path=ResendVerificationCall::PATH
                fields
                label=messages::SEND_ANOTHER.text()
            />
        </Cooldown>
        {request::accepts_sign_ups()
            .then(|| view! { <p>{interpolate(messages::WRONG_ADDRESS, change)}</p> })}
        <p>{interpolate(messages::CONFIRMED_ELSEWHERE, log_in)}</p>
    };
    view! {
        <AuthLayout
            heading=messages::HEADING.text()
            lead=messages::SENT.text()
            links=Some(links.into_any())
        >
            {problem.map(problem_notice)}
            {sent_again}
            <VerifyEmailForm/>
        </AuthLayout>
    }
}
