//! The sign-up form.

use super::{SignUpCall, messages};
use crate::{
    browser, page_query, rendered,
    return_to::continue_to,
    routes,
    ui::{Form, FormValues, PasswordField, SubmitButton, TextField, form_action, part::fixed_text},
};
use countersign_types::{Field, Problem, forms::SignUpForm as SignUpFields};
use leptos::prelude::*;

/// The link that allows the sign-up, as the form contains it.
#[derive(Clone, Default)]
pub struct SignUpFormLink {
    /// [`routes::SETUP`], or the id of an invitation; empty without a link.
    pub link: String,
    /// The address of an invitation.
    pub email: String,
}

#[island]
pub fn SignUpForm() -> impl IntoView {
    let check = |call: &SignUpCall| call.form.validate().err().unwrap_or_default();
    let sign_up = form_action(read, check, continue_to).with_navigation();
    // The notice links to the log-in.
    Effect::new(move |_| {
        if sign_up.problem() == Some(Problem::EmailTaken) {
            browser::typed_email::keep();
        }
    });
    let next = page_query::value("next").unwrap_or_default();
    let (link, email) = rendered::from_context(|link: SignUpFormLink| (link.link, link.email));
    let is_invited = page_query::has(routes::INVITATION);
    view! {
        <Form action=sign_up>
            <input type="hidden" name="next" value=next/>
            <input type="hidden" name="form[link_token]" value=link/>
            <TextField
                field=Field::Email
                autocomplete="username"
                value=email
                readonly=is_invited
                autofocus=!is_invited
            />
            <PasswordField new=true/>
            <TextField
                field=Field::Name
                label=fixed_text(crate::messages::field::NAME_OPTIONAL)
                hint=crate::messages::field::NAME_HINT.text()
                autocomplete="name"
            />
            <SubmitButton label=messages::SUBMIT.text() busy_label=messages::WORKING.text()/>
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
            link_token: text("link_token"),
        },
        next: fields.argument("next"),
    }
}
