//! The page for the code that completes a sign-up or log-in.

use super::messages;
use crate::{
    eager_view::IntoEagerAny,
    features::{
        forgot_password::messages::CODE_HINT,
        verify_email::{ResendVerificationCall, VerifyEmailCall},
    },
    return_to::{continue_to, with_return_to},
    routes,
    ui::{
        CodeField, Cooldown, Form, FormValues, Notice, PageHeader, PostButton, Severity,
        SubmitButton, error_from_query, form_action, interpolate, problem_notice,
    },
};
use countersign_types::forms::CodeForm;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    let check = |call: &VerifyEmailCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| VerifyEmailCall {
        form: CodeForm { code: fields.text("code") },
        next: fields.argument("next"),
    };
    let verify = form_action(read, check, continue_to()).with_navigation();
    let query = use_query_map();
    let next = query.with_untracked(|query| query.get("next").unwrap_or_default());
    let is_sent_again = query.with_untracked(|query| query.get_str(routes::SENT).is_some());
    let problem = error_from_query(ResendVerificationCall::PATH);
    let is_failed = problem.is_some();
    let sent_again = is_sent_again.then(|| {
        view! {
            <Notice severity=Severity::Info>
                <p>{messages::SENT_AGAIN}</p>
            </Notice>
        }
    });
    let sign_up = with_return_to(routes::SIGN_UP, &next);
    let log_in = with_return_to(routes::LOG_IN, &next);
    let change = view! { <a href=sign_up>{messages::CHANGE_IT}</a> };
    let log_in = view! { <a href=log_in>{crate::messages::LOG_IN}</a> };
    let fields = vec![("next", next.clone())];
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {problem.map(problem_notice)}
            {sent_again.filter(|_| !is_failed)}
            <p>{messages::SENT}</p>
            <Form action=verify>
                <input type="hidden" name="next" value=next/>
                <CodeField hint=CODE_HINT/>
                <SubmitButton label=messages::CONTINUE busy_label=messages::CHECKING/>
            </Form>
            <p>{messages::NOTHING_THERE}</p>
            <Cooldown>
                <PostButton
                    path=ResendVerificationCall::PATH
                    fields
                    label=messages::SEND_ANOTHER
                />
            </Cooldown>
            <p>{interpolate(messages::WRONG_ADDRESS, change)}</p>
            <p>{interpolate(messages::CONFIRMED_ELSEWHERE, log_in)}</p>
        </div>
    }
    .into_eager_any()
}
