//! The form for a new password.

use super::{ChangePasswordCall, messages};
use crate::{
    browser, page_query, rendered, routes,
    ui::{
        Form, FormValues, Notice, PasswordField, Severity, SubmitButton, UsernameField, form_action,
    },
};
use countersign_types::{Field, forms::ChangePasswordForm, views::TaggedAccount};
use leptos::prelude::*;

/// The form, below the message that the password is changed.
#[island]
pub fn PasswordForm() -> impl IntoView {
    let check = |call: &ChangePasswordCall| call.form.validate(None).err().unwrap_or_default();
    let change = form_action(read, check, |()| browser::session::mark_stale());
    // The result of a plain form is in the query.
    let was_saved = page_query::has(routes::SAVED);
    let notice = move || {
        change.was_accepted().unwrap_or(was_saved).then(|| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{messages::SAVED.text()}</p>
                </Notice>
            }
        })
    };
    let (tag, email) =
        rendered::from_context(|tagged: TaggedAccount| (tagged.session_tag, tagged.account.email));
    view! {
        {notice}
        <Form action=change class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <UsernameField email/>
            <PasswordField field=Field::CurrentPassword/>
            <PasswordField field=Field::NewPassword new=true/>
            <SubmitButton label=messages::SAVE.text() busy_label=messages::SAVING.text()/>
        </Form>
    }
}

fn read(fields: &FormValues) -> ChangePasswordCall {
    ChangePasswordCall {
        form: ChangePasswordForm {
            current_password: fields.text("current_password"),
            new_password: fields.text("new_password"),
        },
        session_tag: fields.argument("session_tag"),
    }
}
