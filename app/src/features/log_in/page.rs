//! The log-in page.

use super::messages;
use crate::{
    browser,
    features::log_in::LogInCall,
    lazy_pages::preload_during,
    return_to::{continue_to, return_to, with_return_to},
    routes,
    ui::{
        Checkbox, Form, FormValues, Notice, PageHeader, PasswordField, Severity, SubmitButton,
        TextField, form_action, interpolate,
    },
};
use countersign_types::{Field, forms::LogInForm};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// Flash messages by query parameter.
const FLASH_MESSAGES: [(&str, &str); 4] = [
    (routes::PASSWORD_RESET, messages::PASSWORD_RESET),
    (routes::LOGGED_OUT, messages::LOGGED_OUT),
    (routes::LOGGED_OUT_ELSEWHERE, messages::LOGGED_OUT_ELSEWHERE),
    (routes::SESSION_EXPIRED, messages::SESSION_EXPIRED),
];

#[component]
pub fn LogInPage() -> impl IntoView {
    let check = |call: &LogInCall| call.form.validate().err().unwrap_or_default();
    let log_in = form_action(read, check, continue_to()).with_navigation();
    preload_during(log_in);
    let (next, query) = (return_to(), use_query_map());
    // The flash message is shown until the first attempt.
    let is_attempted = move || log_in.was_accepted().is_some();
    let flash = move || {
        query.with(|query| {
            FLASH_MESSAGES
                .into_iter()
                .find_map(|(param, message)| query.get_str(param).map(|_| message))
        })
    };
    let notice = move || {
        flash().filter(|_| !is_attempted()).map(|message| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{message}</p>
                </Notice>
            }
        })
    };
    let sign_up = view! {
        <a href=move || with_return_to(routes::SIGN_UP, &next())>{crate::messages::SIGN_UP}</a>
    };
    view! {
        <div class="narrow stack">
            <PageHeader heading=crate::messages::LOG_IN/>
            {notice}
            <Form action=log_in>
                <input type="hidden" name="next" value=next/>
                <TextField field=Field::Email autocomplete="username"/>
                <PasswordField/>
                <Checkbox name="remember_me" label=messages::REMEMBER_ME/>
                <SubmitButton label=crate::messages::LOG_IN busy_label=messages::WORKING/>
            </Form>
            <p>{interpolate(messages::NEW_HERE, sign_up)}</p>
            <p class="if-mail">
                <a href=routes::FORGOT on:click=move |_| browser::typed_email::keep()>
                    {messages::FORGOT}
                </a>
            </p>
        </div>
    }
}

fn read(fields: &FormValues) -> LogInCall {
    LogInCall {
        form: LogInForm {
            email: fields.text("email"),
            password: fields.text("password"),
            remember_me: fields.is_checked("remember_me"),
        },
        next: fields.argument("next"),
    }
}
