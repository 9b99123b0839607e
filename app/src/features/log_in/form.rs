//! The log-in form.

use super::{LogInCall, messages};
use crate::{
    browser, page_query,
    return_to::continue_to,
    routes,
    ui::{
        Checkbox, Form, FormValues, PasswordField, SubmitButton, TextField, form_action,
        part::fixed_text,
    },
};
use countersign_types::{Field, forms::LogInForm as LogInFields};
use leptos::{ev, prelude::*};

/// The log-in form.
#[island]
pub fn LogInForm() -> impl IntoView {
    let check = |call: &LogInCall| call.form.validate().err().unwrap_or_default();
    let log_in = form_action(read, check, continue_to).with_navigation();
    Effect::new(|_| browser::typed_email::restore());
    let next = page_query::value("next").unwrap_or_default();
    view! {
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
