//! The form that chooses the password of a new account.

use super::{ConfirmEmailCall, messages};
use crate::{
    rendered,
    return_to::continue_to,
    routes,
    ui::{
        Form, FormValues, PasswordField, SubmitButton, UsernameField, form_action,
        part::fixed_text, problem_notice,
    },
};
use countersign_types::{Field, Problem, forms::ResetPasswordForm, views::OpenedLink};
use leptos::{either::Either, prelude::*};

/// The form, or what replaces it when the link was used or superseded while the page was open.
#[island]
pub fn ChoosePasswordForm() -> impl IntoView {
    let check = |call: &ConfirmEmailCall| call.form.validate(None).err().unwrap_or_default();
    let read = |fields: &FormValues| ConfirmEmailCall {
        form: ResetPasswordForm { new_password: fields.text("new_password") },
        link_id: fields.argument("link_id"),
    };
    let create = form_action(read, check, continue_to).with_navigation();
    let has_expired = Memo::new(move |_| create.problem() == Some(Problem::LinkExpired));
    let (link_id, email) =
        rendered::from_context(|link: OpenedLink| (link.link_id.to_string(), link.email));
    move || {
        if has_expired.get() {
            return Either::Left(sign_up_again(Problem::LinkExpired));
        }
        let (link_id, email) = (link_id.clone(), email.clone());
        Either::Right(view! {
            <p>{fixed_text(messages::CHOOSE)}</p>
            <Form action=create>
                <input type="hidden" name="link_id" value=link_id/>
                <UsernameField email/>
                <PasswordField field=Field::NewPassword new=true/>
                <SubmitButton label=messages::CREATE.text() busy_label=messages::CREATING.text()/>
            </Form>
        })
    }
}

/// Renders what replaces the form if the link can't be used.
pub(super) fn sign_up_again(problem: Problem) -> impl IntoView {
    view! {
        {problem_notice(problem)}
        <p class="cluster">
            <a class="button" data-part="button-primary" href=routes::SIGN_UP>
                {crate::messages::SIGN_UP.text()}
            </a>
            <a href=routes::LOG_IN>{crate::messages::LOG_IN.text()}</a>
        </p>
    }
}
