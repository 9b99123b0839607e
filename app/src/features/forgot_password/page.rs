//! The page for a forgotten password. It asks for the address, and then for the code.

use super::messages;
use crate::{
    browser,
    eager_view::IntoEagerAny,
    features::forgot_password::{EnterCodeCall, ForgotPasswordCall},
    routes,
    ui::{
        CodeField, Cooldown, Form, FormValues, PageHeader, SubmitButton, TextField, form_action,
        interpolate,
    },
};
use countersign_types::{
    Field,
    forms::{CodeForm, ForgotPasswordForm},
    views::RequestedMail,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    let query = use_query_map();
    match query.with_untracked(|query| query.get(routes::SENT)) {
        Some(link_id) => code_form(link_id),
        None => address_form(),
    }
}

fn address_form() -> AnyView {
    let check = |call: &ForgotPasswordCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| ForgotPasswordCall {
        form: ForgotPasswordForm { email: fields.text("email") },
    };
    let show_code_form = |RequestedMail { link_id }| {
        browser::navigate_to(&routes::sent_page(&link_id.to_string()));
    };
    let send = form_action(read, check, show_code_form).with_navigation();
    let log_in = view! { <a href=routes::LOG_IN>{crate::messages::LOG_IN}</a> };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING lead=messages::LEAD/>
            <Form action=send>
                <TextField
                    field=Field::Email
                    autocomplete="username"
                    value=browser::typed_email::take().unwrap_or_default()
                />
                <SubmitButton label=messages::SEND busy_label=messages::SENDING/>
            </Form>
            <p>{interpolate(messages::BACK, log_in)}</p>
        </div>
    }
    .into_eager_any()
}

fn code_form(link_id: String) -> AnyView {
    let check = |call: &EnterCodeCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| EnterCodeCall {
        form: CodeForm { code: fields.text("code") },
        link_id: fields.argument("link_id"),
    };
    let open_link = |()| browser::navigate_to(routes::RESET);
    let change = view! {
        <a href=routes::FORGOT rel="external">{messages::CHANGE_IT}</a>
    };
    let enter = form_action(read, check, open_link).with_navigation();
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::SENT_HEADING/>
            <p>{messages::SENT}</p>
            <Form action=enter>
                <input type="hidden" name="link_id" value=link_id/>
                <CodeField hint=messages::CODE_HINT/>
                <SubmitButton label=messages::CONTINUE busy_label=messages::CHECKING/>
            </Form>
            <p>{messages::NOTHING_THERE}</p>
            <Cooldown>
                <a href=routes::FORGOT rel="external">
                    {messages::SEND_ANOTHER}
                </a>
            </Cooldown>
            <p>{interpolate(messages::WRONG_ADDRESS, change)}</p>
        </div>
    }
    .into_eager_any()
}
