//! The forms for a forgotten password: the address, and then the code.

use super::{EnterCodeCall, ForgotPasswordCall, messages};
use crate::{
    browser, page_query, routes,
    ui::{CodeField, Form, FormValues, SubmitButton, TextField, form_action},
};
use countersign_types::{
    Field,
    forms::{CodeForm, ForgotPasswordForm as ForgotPasswordFields},
    views::RequestedMail,
};
use leptos::prelude::*;

/// Asks for the address. An address that was typed on the log-in page is filled in.
#[island]
pub fn ForgotPasswordForm() -> impl IntoView {
    let check = |call: &ForgotPasswordCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| ForgotPasswordCall {
        form: ForgotPasswordFields { email: fields.text("email") },
    };
    let show_code_form = |RequestedMail { link_id }| {
        browser::replace_page(&routes::sent_page(&link_id.to_string()));
    };
    let send = form_action(read, check, show_code_form).with_navigation();
    Effect::new(|_| browser::typed_email::restore());
    view! {
        <Form action=send>
            <TextField field=Field::Email autocomplete="username" autofocus=true/>
            <SubmitButton label=messages::SEND.text() busy_label=messages::SENDING.text()/>
        </Form>
    }
}

/// Asks for the code from the email.
#[island]
pub fn EnterCodeForm() -> impl IntoView {
    let check = |call: &EnterCodeCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| EnterCodeCall {
        form: CodeForm { code: fields.text("code") },
        link_id: fields.argument("link_id"),
    };
    let open_link = |()| browser::replace_page(routes::RESET);
    let enter = form_action(read, check, open_link).with_navigation();
    let link_id = page_query::value(routes::SENT).unwrap_or_default();
    view! {
        <Form action=enter>
            <input type="hidden" name="link_id" value=link_id/>
            <CodeField hint=messages::CODE_HINT.text()/>
            <SubmitButton label=messages::CONTINUE.text() busy_label=messages::CHECKING.text()/>
        </Form>
    }
}
