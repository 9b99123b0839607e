//! (server) The page for the email address. It asks for a new address, and then for the code.

use super::{
    CancelEmailChangeCall, ChangeEmailForm, ConfirmCodeForm, SendVerificationCall, messages,
};
use crate::{
    layout::account_layout::account_page,
    page_query, routes,
    ui::{Card, Notice, PostButton, Severity, email_address, interpolate, problem_notice},
};
use countersign_types::views::TaggedAccount;
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn EmailPage() -> impl IntoView {
    account_page(routes::EMAIL, "", async |tagged| {
        let problem = page_query::form_problem(CancelEmailChangeCall::PATH);
        let confirmed = page_query::has(routes::SAVED).then(|| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{messages::CONFIRMED.text()}</p>
                </Notice>
            }
        });
        let content = if page_query::has(routes::SENT) {
            code_form(tagged).into_any()
        } else {
            address_form(tagged).into_any()
        };
        view! {
            {problem.map(problem_notice)}
            {confirmed}
            <p class="if-no-mail">{messages::NO_MAIL.text()}</p>
            <div class="stack if-mail">{content}</div>
        }
        .into_any()
    })
}

fn address_form(TaggedAccount { account, session_tag: tag }: TaggedAccount) -> impl IntoView {
    let address = view! { <strong>{email_address(&account.email)}</strong> };
    let fields = vec![("session_tag", tag.clone())];
    // A new address will be verified instead.
    let is_due = !account.email_verified && account.pending_email.is_none();
    let not_confirmed = is_due.then(|| {
        view! {
            <p>{messages::NOT_CONFIRMED.text()}</p>
            <PostButton path=SendVerificationCall::PATH fields label=messages::CONFIRM_THIS.text()/>
        }
    });
    let waiting = account.pending_email.map(|new| waiting_for_code(new, tag));
    view! {
        <p>{interpolate(messages::CURRENT, address)}</p>
        {not_confirmed}
        {waiting}
        <Card title=messages::CHANGE.text() lead=messages::CHANGE_HELP.text()>
            <ChangeEmailForm/>
        </Card>
    }
}

/// Renders the new address that waits for its code.
fn waiting_for_code(new: String, tag: String) -> impl IntoView {
    view! {
        <p>{interpolate(messages::WAITING, view! { <strong>{new}</strong> })}</p>
        <div class="cluster">
            <a
                class="button secondary"
                data-part="button-secondary"
                href=routes::email_page_for_code()
            >
                {messages::ENTER_CODE.text()}
            </a>
            <PostButton
                path=CancelEmailChangeCall::PATH
                fields=vec![("session_tag", tag)]
                label=messages::CANCEL.text()
            />
        </div>
    }
}

fn code_form(TaggedAccount { account, .. }: TaggedAccount) -> impl IntoView {
    let again = view! { <a href=routes::EMAIL.path>{messages::START_AGAIN_LINK.text()}</a> };
    let is_change = account.pending_email.is_some();
    // Also if a request was beyond the limits, and if the link was opened elsewhere meanwhile.
    if !is_change && account.email_verified {
        let address = view! { <strong>{account.email}</strong> };
        return view! {
            <p>{interpolate(messages::NO_CODE_NEEDED, address)}</p>
            <p>{interpolate(messages::ASK_AGAIN, again)}</p>
        }
        .into_any();
    }
    let address = view! { <strong>{account.pending_email.unwrap_or(account.email)}</strong> };
    let taken = is_change.then(|| {
        view! { <p class="text-muted">{messages::TAKEN_ADDRESS.text()}</p> }
    });
    view! {
        <div class="card stack" data-part="card">
            <p>{interpolate(messages::ENTER_CODE_HELP, address)}</p>
            {taken}
            <ConfirmCodeForm/>
        </div>
        <p>{interpolate(messages::START_AGAIN, again)}</p>
    }
    .into_any()
}
