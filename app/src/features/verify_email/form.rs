//! The form for the code that completes a sign-up or log-in.

use super::{VerifyEmailCall, messages};
use crate::{
    features::forgot_password::messages::CODE_HINT,
    page_query,
    return_to::continue_to,
    ui::{CodeField, Form, FormValues, SubmitButton, form_action},
};
use countersign_types::forms::CodeForm;
use leptos::prelude::*;

#[island]
pub fn VerifyEmailForm() -> impl IntoView {
    let check = |call: &VerifyEmailCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| VerifyEmailCall {
        form: CodeForm { code: fields.text("code") },
        next: fields.argument("next"),
    };
    let verify = form_action(read, check, continue_to).with_navigation();
    let next = page_query::value("next").unwrap_or_default();
    view! {
        <Form action=verify>
            <input type="hidden" name="next" value=next/>
            <CodeField hint=CODE_HINT.text()/>
            <SubmitButton label=messages::CONTINUE.text() busy_label=messages::CHECKING.text()/>
        </Form>
    }
}
