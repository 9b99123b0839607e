//! The sign-up form.

use super::{SignUpCall, messages};
use crate::{
    page_query,
    return_to::continue_to,
    routes,
    ui::{Form, FormValues, PasswordField, SubmitButton, TextField, form_action},
};
use countersign_types::{Field, forms::SignUpForm as SignUpFields};
use leptos::prelude::*;

#[island]
pub fn SignUpForm() -> impl IntoView {
    let check = |call: &SignUpCall| call.form.validate().err().unwrap_or_default();
    let sign_up = form_action(read, check, continue_to).with_navigation();
    let next = page_query::value("next").unwrap_or_default();
    let setup_token = if page_query::has(routes::SETUP) { routes::SETUP } else { "" };
    view! {
        <Form action=sign_up>
            <input type="hidden" name="next" value=next/>
            <input type="hidden" name="form[setup_token]" value=setup_token/>
            <TextField field=Field::Email autocomplete="username" autofocus=true/>
            <PasswordField new=true/>
            <TextField
                field=Field::Name
                label=crate::messages::field::NAME_OPTIONAL
                hint=crate::messages::field::NAME_HINT
                autocomplete="name"
            />
            <SubmitButton label=messages::SUBMIT busy_label=messages::WORKING/>
        </Form>
    }
}

fn read(fields: &FormValues) -> SignUpCall {
    let text = |name| fields.text(name);
    SignUpCall {
        form: SignUpFields {
            name: text("name"),
            email: text("email"),
            password: text("password"),
            setup_token: text("setup_token"),
        },
        next: fields.argument("next"),
    }
}
