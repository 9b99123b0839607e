//! Sign up.

use super::door::{go_on, link, next, prepare_while};
use crate::{
    address,
    api::SignUpCall,
    ui::{Fields, Form, PageHead, PasswordField, Submit, TextField, said, sending},
    words,
};
use countersign_types::{Field, form::SignUp};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn SignUpPage() -> impl IntoView {
    let sign_up =
        sending(read, |call: &SignUpCall| call.form.check().err().unwrap_or_default(), go_on())
            .that_leads_on();
    prepare_while(sign_up);
    let (next, query) = (next(), use_query_map());
    let invite = move || query.with(|query| query.get("invite").unwrap_or_default());
    view! {
        <div class="column stack">
            <PageHead heading=words::SIGN_UP/>
            <Form sending=sign_up>
                <input type="hidden" name="form[next]" value=next/>
                <input type="hidden" name="form[invite]" value=invite/>
                <TextField field=Field::Name label=words::field::NAME_OPTIONAL hint=words::field::NAME_HINT autocomplete="name"/>
                <TextField field=Field::Email autocomplete="email"/>
                <PasswordField new=true/>
                <Submit label=words::sign_up::SUBMIT working=words::sign_up::WORKING/>
            </Form>
            <p>
                {said(words::sign_up::ALREADY, view! { <a href=move || link(address::LOG_IN, &next())>{words::LOG_IN}</a> })}
            </p>
        </div>
    }
}

fn read(fields: &Fields) -> SignUpCall {
    let text = |name| fields.text(name);
    SignUpCall {
        form: SignUp {
            name: text("name"),
            email: text("email"),
            password: text("password"),
            next: text("next"),
            invite: text("invite"),
        },
    }
}
