//! The forms of the page for the email address.

use super::{ConfirmCodeCall, RequestEmailChangeCall, messages};
use crate::{
    browser,
    features::forgot_password::messages::CODE_HINT,
    rendered, routes,
    ui::{
        CodeField, Form, FormValues, PasswordField, SubmitButton, TextField, UsernameField,
        form_action, part::fixed_text,
    },
};
use countersign_types::{
    Field,
    forms::{ChangeEmailForm as ChangeEmailFields, CodeForm},
    views::TaggedAccount,
};
use leptos::prelude::*;

/// Asks for a new address.
#[island]
pub fn ChangeEmailForm() -> impl IntoView {
    let check = |call: &RequestEmailChangeCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| RequestEmailChangeCall {
        form: ChangeEmailFields {
            email: fields.text("email"),
            current_password: fields.text("current_password"),
        },
        session_tag: fields.argument("session_tag"),
    };
    let show_code_form = |()| browser::replace_page(&routes::email_page_for_code());
    let change = form_action(read, check, show_code_form).with_navigation();
    let (tag, email) =
        rendered::from_context(|tagged: TaggedAccount| (tagged.session_tag, tagged.account.email));
    view! {
        <Form action=change class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <TextField
                field=Field::Email
                label=fixed_text(messages::NEW_EMAIL)
                autocomplete="email"
            />
            <UsernameField email/>
            <PasswordField field=Field::CurrentPassword/>
            <SubmitButton label=messages::SEND_CODE.text() busy_label=messages::SENDING.text()/>
        </Form>
    }
}

/// Asks for the code that was sent to the address or to the new one.
#[island]
pub fn ConfirmCodeForm() -> impl IntoView {
    let check = |call: &ConfirmCodeCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| ConfirmCodeCall {
        form: CodeForm { code: fields.text("code") },
        session_tag: fields.argument("session_tag"),
    };
    let show_result = |_| browser::replace_page(&routes::email_page_after_change());
    let confirm = form_action(read, check, show_result).with_navigation();
    let tag = rendered::from_context(|tagged: TaggedAccount| tagged.session_tag);
    view! {
        <Form action=confirm class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <CodeField hint=CODE_HINT.text()/>
            <SubmitButton label=messages::CONFIRM.text() busy_label=messages::CHECKING.text()/>
        </Form>
    }
}
