//! The form that chooses a new password with a link.

use super::{ResetPasswordCall, messages};
use crate::{
    browser, rendered, routes,
    ui::{
        Form, FormValues, PasswordField, SubmitButton, UsernameField, form_action, problem_notice,
    },
};
use countersign_types::{Field, Problem, forms::ResetPasswordForm as Fields, views::OpenedLink};
use leptos::{either::Either, prelude::*};

/// The form, or what replaces it when the link was used or superseded while the page was open.
#[island]
pub fn ResetPasswordForm() -> impl IntoView {
    let check = |call: &ResetPasswordCall| call.form.validate(None).err().unwrap_or_default();
    let read = |fields: &FormValues| ResetPasswordCall {
        form: Fields { new_password: fields.text("new_password") },
        link_id: fields.argument("link_id"),
    };
    let log_in = |()| browser::replace_page(&routes::log_in_after_reset());
    let reset = form_action(read, check, log_in).with_navigation();
    let has_expired = Memo::new(move |_| reset.problem() == Some(Problem::LinkExpired));
    let (link_id, email) =
        rendered::from_context(|link: OpenedLink| (link.link_id.to_string(), link.email));
    move || {
        if has_expired.get() {
            return Either::Left(link_problem(Problem::LinkExpired));
        }
        let (link_id, email) = (link_id.clone(), email.clone());
        Either::Right(view! {
            <Form action=reset>
                <input type="hidden" name="link_id" value=link_id/>
                <UsernameField email/>
                <PasswordField field=Field::NewPassword new=true/>
                <SubmitButton label=messages::SAVE.text() busy_label=messages::SAVING.text()/>
            </Form>
        })
    }
}

/// Renders what replaces the form if the link can't be used.
pub(crate) fn link_problem(problem: Problem) -> impl IntoView {
    view! {
        {problem_notice(problem)}
        <a class="button" data-part="button-primary" href=routes::FORGOT>
            {messages::NEW_LINK.text()}
        </a>
    }
}
