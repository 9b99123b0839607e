//! The form that deletes the account.

use super::{DeleteAccountCall, messages};
use crate::{
    browser, rendered, routes,
    ui::{
        Form, FormValues, PasswordField, SubmitButton, UsernameField, form_action, part::fixed_text,
    },
};
use countersign_types::{Field, forms::CurrentPasswordForm as Fields, views::TaggedAccount};
use leptos::prelude::*;

#[island]
pub fn DeleteAccountForm() -> impl IntoView {
    let check = |call: &DeleteAccountCall| call.form.validate().err().unwrap_or_default();
    let read = |fields: &FormValues| DeleteAccountCall {
        form: Fields { current_password: fields.text("current_password") },
        session_tag: fields.argument("session_tag"),
    };
    // The whole page shows the scheduled deletion.
    let show_result = |_| browser::replace_page(routes::DATA.path);
    let delete = form_action(read, check, show_result).with_navigation();
    let (tag, email) =
        rendered::from_context(|tagged: TaggedAccount| (tagged.session_tag, tagged.account.email));
    view! {
        <Form action=delete class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <UsernameField email/>
            <PasswordField field=Field::CurrentPassword/>
            <div class="cluster">
                <SubmitButton
                    label=messages::DELETE.text()
                    busy_label=messages::DELETING.text()
                    danger=true
                />
                <a class="button secondary" data-part="button-secondary" href=routes::DATA.path>
                    {fixed_text(crate::messages::CANCEL)}
                </a>
            </div>
        </Form>
    }
}
