//! The page for the email address. It asks for a new address, and then for the code.

use super::messages;
use crate::{
    browser,
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::{
        email::{
            CancelEmailChangeCall, ConfirmCodeCall, RequestEmailChangeCall, SendVerificationCall,
        },
        forgot_password::messages::CODE_HINT,
    },
    layout::account_layout::{AccountLayout, when_loaded},
    routes,
    ui::{
        CodeField, Form, FormAction, FormValues, Notice, PasswordField, PostButton, Severity,
        SubmitButton, TextField, error_from_query, form_action, interpolate, problem_notice,
    },
};
use countersign_types::{
    Field,
    forms::{ChangeEmailForm, CodeForm},
    views::TaggedAccount,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

#[component]
pub fn EmailPage() -> impl IntoView {
    let (user, query) = (expect_context::<CurrentUser>(), use_query_map());
    let is_code_sent = move || query.with(|query| query.get_str(routes::SENT).is_some());
    let problem = error_from_query(CancelEmailChangeCall::PATH);
    let is_confirmed = query.with_untracked(|query| query.get_str(routes::SAVED).is_some());
    let confirmed = is_confirmed.then(|| {
        view! {
            <Notice severity=Severity::Info>
                <p>{messages::CONFIRMED}</p>
            </Notice>
        }
    });
    let (enter, change) = (enter_code(), request_change());
    let content = move || {
        if is_code_sent() {
            when_loaded(user.account, move |tagged| code_form(tagged, enter))
        } else {
            when_loaded(user.account, move |tagged| address_form(tagged, change))
        }
    };
    view! {
        <AccountLayout page=routes::EMAIL>
            {problem.map(problem_notice)}
            {confirmed}
            <p class="if-no-mail">{messages::NO_MAIL}</p>
            <div class="stack if-mail">{content}</div>
        </AccountLayout>
    }
}

fn request_change() -> FormAction {
    let check = |call: &RequestEmailChangeCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| RequestEmailChangeCall {
        form: ChangeEmailForm {
            email: fields.text("email"),
            current_password: fields.text("current_password"),
        },
        session_tag: fields.argument("session_tag"),
    };
    let show_code_form = |()| browser::navigate_to(&routes::email_page_for_code());
    form_action(read, check, show_code_form).with_navigation()
}

fn enter_code() -> FormAction {
    let check = |call: &ConfirmCodeCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| ConfirmCodeCall {
        form: CodeForm { code: fields.text("code") },
        session_tag: fields.argument("session_tag"),
    };
    let show_result = |_| browser::navigate_to(&routes::email_page_after_change());
    form_action(read, check, show_result).with_navigation()
}

fn address_form(
    TaggedAccount { account, session_tag: tag }: TaggedAccount,
    change: FormAction,
) -> AnyView {
    let address = view! { <strong>{account.email.clone()}</strong> };
    let fields = vec![("session_tag", tag.clone())];
    // A new address will be verified instead.
    let is_due = !account.email_verified && account.pending_email.is_none();
    let not_confirmed = is_due.then(|| {
        view! {
            <p>{messages::NOT_CONFIRMED}</p>
            <PostButton path=SendVerificationCall::PATH fields label=messages::CONFIRM_THIS/>
        }
    });
    let waiting = account.pending_email.map(|new| waiting_for_code(new, tag.clone()));
    view! {
        <p>{interpolate(messages::CURRENT, address)}</p>
        {not_confirmed}
        {waiting}
        <h2>{messages::CHANGE}</h2>
        <p class="text-muted">{messages::CHANGE_HELP}</p>
        <Form action=change class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <TextField field=Field::Email label=messages::NEW_EMAIL autocomplete="email"/>
            // Tells password managers which account the password belongs to.
            <input
                type="text"
                name="username"
                value=account.email
                autocomplete="username"
                readonly
                hidden
            />
            <PasswordField field=Field::CurrentPassword/>
            <SubmitButton label=messages::SEND_CODE busy_label=messages::SENDING/>
        </Form>
    }
    .into_eager_any()
}

/// Renders the new address that waits for its code.
fn waiting_for_code(new: String, tag: String) -> AnyView {
    view! {
        <p>{interpolate(messages::WAITING, view! { <strong>{new}</strong> })}</p>
        <div class="cluster">
            <a class="button secondary" href=routes::email_page_for_code() rel="external">
                {messages::ENTER_CODE}
            </a>
            <PostButton
                path=CancelEmailChangeCall::PATH
                fields=vec![("session_tag", tag)]
                label=messages::CANCEL
            />
        </div>
    }
    .into_eager_any()
}

fn code_form(
    TaggedAccount { account, session_tag: tag }: TaggedAccount,
    enter: FormAction,
) -> AnyView {
    let again = view! {
        <a href=routes::EMAIL.path rel="external">{messages::START_AGAIN_LINK}</a>
    };
    let is_change = account.pending_email.is_some();
    // Also if a request was beyond the limits, and if the link was opened elsewhere meanwhile.
    if !is_change && account.email_verified {
        let address = view! { <strong>{account.email}</strong> };
        return view! {
            <p>{interpolate(messages::NO_CODE_NEEDED, address)}</p>
            <p>{interpolate(messages::ASK_AGAIN, again)}</p>
        }
        .into_eager_any();
    }
    let address = view! { <strong>{account.pending_email.unwrap_or(account.email)}</strong> };
    view! {
        <p>{interpolate(messages::ENTER_CODE_HELP, address)}</p>
        {is_change.then(|| view! { <p>{messages::TAKEN_ADDRESS}</p> })}
        <Form action=enter class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <CodeField hint=CODE_HINT/>
            <SubmitButton label=messages::CONFIRM busy_label=messages::CHECKING/>
        </Form>
        <p>{interpolate(messages::START_AGAIN, again)}</p>
    }
    .into_eager_any()
}
