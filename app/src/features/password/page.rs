//! The page to change the password.

use super::messages;
use crate::{
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::password::ChangePasswordCall,
    layout::account_layout::{AccountLayout, when_loaded},
    routes,
    ui::{
        Form, FormAction, FormValues, Notice, PasswordField, Severity, SubmitButton, form_action,
    },
};
use countersign_types::{Field, forms::ChangePasswordForm};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn PasswordPage() -> impl IntoView {
    let (user, query) = (expect_context::<CurrentUser>(), use_query_map());
    let check = |call: &ChangePasswordCall| call.form.validate(None).err().unwrap_or_default();
    let change = form_action(read, check, |()| crate::browser::session::mark_stale());
    // The result of a plain form is in the query.
    let is_saved = move || {
        change
            .was_accepted()
            .unwrap_or_else(|| query.with(|query| query.get_str(routes::SAVED).is_some()))
    };
    let notice = move || {
        is_saved().then(|| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{messages::SAVED}</p>
                </Notice>
            }
        })
    };
    view! {
        <AccountLayout
            page=routes::PASSWORD
            lead=messages::LEAD
        >
            {notice}
            {when_loaded(user.account, move |tagged| {
                form(tagged.account.email, tagged.session_tag, change)
            })}
        </AccountLayout>
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

fn form(email: String, tag: String, change: FormAction) -> AnyView {
    view! {
        <Form action=change class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            // Tells password managers which account the password belongs to.
            <input
                type="text"
                name="username"
                value=email
                autocomplete="username"
                readonly
                hidden
            />
            <PasswordField field=Field::CurrentPassword/>
            <PasswordField field=Field::NewPassword new=true/>
            <SubmitButton
                label=messages::SAVE
                busy_label=messages::SAVING
            />
        </Form>
    }
    .into_eager_any()
}
