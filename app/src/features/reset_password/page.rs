//! The page that chooses a new password with a link.

use super::messages;
use crate::{
    browser,
    eager_view::IntoEagerAny,
    features::reset_password::{ResetPasswordCall, read_link},
    resource::PageResource,
    routes,
    ui::{
        Form, FormAction, FormValues, PageHeader, PasswordField, SubmitButton, async_view,
        form_action, interpolate, loading, problem_notice,
    },
};
use countersign_types::{Field, Problem, forms::ResetPasswordForm, views::OpenedLink};
use leptos::prelude::*;

#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let link = PageResource::new(|| (0, None), |_| read_link(routes::RESET.to_owned()));
    let check = |call: &ResetPasswordCall| call.form.validate(None).err().unwrap_or_default();
    let read = |fields: &FormValues| ResetPasswordCall {
        form: ResetPasswordForm { new_password: fields.text("new_password") },
        link_id: fields.argument("link_id"),
    };
    let log_in = |()| browser::navigate_to(&routes::log_in_after_reset());
    let reset = form_action(read, check, log_in).with_navigation();
    // The link was used or superseded while the page was open.
    let has_expired = Memo::new(move |_| reset.problem() == Some(Problem::LinkExpired));
    let content = move |link: OpenedLink| {
        move || {
            if has_expired.get() {
                link_problem(Problem::LinkExpired)
            } else {
                form(link.clone(), reset)
            }
        }
    };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {async_view(loading, move || async move {
                match link.get().await {
                    Ok(link) => content(link).into_eager_any(),
                    Err(problem) => link_problem(problem),
                }
            })}
        </div>
    }
}

fn form(link: OpenedLink, reset: FormAction) -> AnyView {
    let OpenedLink { link_id, email, .. } = link;
    let address = view! { <strong>{email.clone()}</strong> };
    view! {
        <p class="text-muted">{interpolate(messages::FOR, address)}</p>
        <Form action=reset>
            <input type="hidden" name="link_id" value=link_id.to_string()/>
            // Tells password managers which account the password belongs to.
            <input
                type="text"
                name="username"
                value=email
                autocomplete="username"
                readonly
                hidden
            />
            <PasswordField field=Field::NewPassword new=true/>
            <SubmitButton label=messages::SAVE busy_label=messages::SAVING/>
        </Form>
    }
    .into_eager_any()
}

/// Renders what replaces the form if the link can't be used.
pub(crate) fn link_problem(problem: Problem) -> AnyView {
    view! {
        {problem_notice(problem)}
        <a class="button" href=routes::FORGOT>
            {messages::NEW_LINK}
        </a>
    }
    .into_eager_any()
}
