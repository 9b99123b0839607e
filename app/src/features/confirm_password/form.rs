//! The form that asks for the password again.

use super::{ConfirmPasswordCall, messages};
use crate::{
    browser, page_query, rendered,
    ui::{Form, FormValues, PasswordField, SubmitButton, UsernameField, form_action},
};
use countersign_types::{Field, forms::CurrentPasswordForm, views::TaggedAccount};
use leptos::prelude::*;

#[island]
pub fn ConfirmPasswordForm() -> impl IntoView {
    let check = |call: &ConfirmPasswordCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| ConfirmPasswordCall {
        form: CurrentPasswordForm { current_password: fields.text("current_password") },
        next: fields.argument("next"),
        session_tag: fields.argument("session_tag"),
    };
    let show_result = |next: String| {
        browser::session::mark_stale();
        browser::replace_page(&next);
    };
    let confirm = form_action(read, check, show_result).with_navigation();
    let next = page_query::value("next").unwrap_or_default();
    let (tag, email) =
        rendered::from_context(|tagged: TaggedAccount| (tagged.session_tag, tagged.account.email));
    view! {
        <Form action=confirm>
            <input type="hidden" name="next" value=next/>
            <input type="hidden" name="session_tag" value=tag/>
            <UsernameField email/>
            <PasswordField field=Field::CurrentPassword/>
            <SubmitButton label=messages::CONTINUE busy_label=messages::WORKING/>
        </Form>
    }
}
