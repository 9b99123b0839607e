//! The log-in form.

use super::{LogInCall, messages};
use crate::{
    browser, page_query,
    return_to::continue_to,
    routes,
    ui::{
        Checkbox, Form, FormValues, Notice, PasswordField, Severity, SubmitButton, TextField,
        form_action, part::fixed_text,
    },
};
use countersign_types::{Field, Message, forms::LogInForm as LogInFields};
use leptos::{ev, prelude::*};

/// Flash messages by query parameter.
const FLASH_MESSAGES: [(&str, Message); 4] = [
    (routes::PASSWORD_RESET, messages::PASSWORD_RESET),
    (routes::LOGGED_OUT, messages::LOGGED_OUT),
    (routes::LOGGED_OUT_ELSEWHERE, messages::LOGGED_OUT_ELSEWHERE),
    (routes::SESSION_EXPIRED, messages::SESSION_EXPIRED),
];

/// The form, below the message of the page before it.
#[island]
pub fn LogInForm() -> impl IntoView {
    let check = |call: &LogInCall| call.form.validate().err().unwrap_or_default();
    let log_in = form_action(read, check, continue_to).with_navigation();
    let flash = FLASH_MESSAGES
        .into_iter()
        .find_map(|(param, message)| page_query::has(param).then_some(message));
    // The flash message is shown until the first attempt.
    let notice = move || {
        flash.filter(|_| log_in.was_accepted().is_none()).map(|message| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{message.text()}</p>
                </Notice>
            }
        })
    };
    Effect::new(|_| browser::typed_email::restore());
    let next = page_query::value("next").unwrap_or_default();
    view! {
        {notice}
        <Form action=log_in>
            <input type="hidden" name="next" value=next/>
            <TextField field=Field::Email autocomplete="username" autofocus=true/>
            <PasswordField/>
            <div class="split cluster text-small">
                <Checkbox name="remember_me" label=fixed_text(messages::REMEMBER_ME)/>
                <a class="if-mail" href=routes::FORGOT on:click=|event| keep_email(&event)>
                    {fixed_text(messages::FORGOT)}
                </a>
            </div>
            <SubmitButton label=crate::messages::LOG_IN.text() busy_label=messages::WORKING.text()/>
        </Form>
    }
}

/// Keeps the address for the page of a forgotten password, if that opens in this tab.
fn keep_email(event: &ev::MouseEvent) {
    if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
        browser::typed_email::keep();
    }
}

fn read(fields: &FormValues) -> LogInCall {
    LogInCall {
        form: LogInFields {
            email: fields.text("email"),
            password: fields.text("password"),
            remember_me: fields.is_checked("remember_me"),
        },
        next: fields.argument("next"),
    }
}
