//! The sign-up page.

use super::messages;
use crate::{
    features::sign_up::SignUpCall,
    lazy_pages::preload_during,
    return_to::{continue_to, return_to, with_return_to},
    routes,
    ui::{
        Form, FormValues, Notice, PageHeader, PasswordField, Severity, SubmitButton, TextField,
        form_action, interpolate,
    },
};
use countersign_types::{Field, forms::SignUpForm};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn SignUpPage() -> impl IntoView {
    let check = |call: &SignUpCall| call.form.validate().err().unwrap_or_default();
    let sign_up = form_action(read, check, continue_to()).with_navigation();
    preload_during(sign_up);
    let (next, query) = (return_to(), use_query_map());
    let is_setup = move || query.with(|query| query.get_str(routes::SETUP).is_some());
    let setup_token = move || if is_setup() { routes::SETUP } else { "" };
    let first_admin = move || {
        is_setup().then(|| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{messages::FIRST_ADMIN}</p>
                </Notice>
            }
        })
    };
    let log_in = view! {
        <a href=move || with_return_to(routes::LOG_IN, &next())>{crate::messages::LOG_IN}</a>
    };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {first_admin}
            <Form action=sign_up>
                <input type="hidden" name="next" value=next/>
                <input type="hidden" name="form[setup_token]" value=setup_token/>
                <TextField
                    field=Field::Name
                    label=crate::messages::field::NAME_OPTIONAL
                    hint=crate::messages::field::NAME_HINT
                    autocomplete="name"
                />
                <TextField field=Field::Email autocomplete="email"/>
                <PasswordField new=true/>
                <SubmitButton
                    label=messages::SUBMIT
                    busy_label=messages::WORKING
                />
            </Form>
            <p>{interpolate(messages::ALREADY, log_in)}</p>
        </div>
    }
}

fn read(fields: &FormValues) -> SignUpCall {
    let text = |name| fields.text(name);
    SignUpCall {
        form: SignUpForm {
            name: text("name"),
            email: text("email"),
            password: text("password"),
            setup_token: text("setup_token"),
        },
        next: fields.argument("next"),
    }
}
