//! The page of a link that confirms an email address.

use super::messages;
use crate::{
    eager_view::IntoEagerAny,
    features::{
        confirm_email::ConfirmEmailCall,
        reset_password::{messages::FOR, read_link},
    },
    resource::PageResource,
    return_to::{continue_to, with_return_to},
    routes,
    ui::{
        Form, FormAction, FormValues, PageHeader, PasswordField, PostButton, SubmitButton,
        async_view, error_from_query, form_action, interpolate, loading, problem_notice,
    },
};
use countersign_types::{
    Field, Problem,
    forms::ResetPasswordForm,
    views::{LinkAction, OpenedLink},
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn ConfirmEmailPage() -> impl IntoView {
    let link = PageResource::new(|| (0, None), |_| read_link(routes::CONFIRM.to_owned()));
    let check = |call: &ConfirmEmailCall| call.form.validate(None).err().unwrap_or_default();
    let read = |fields: &FormValues| ConfirmEmailCall {
        form: ResetPasswordForm { new_password: fields.text("new_password") },
        link_id: fields.argument("link_id"),
    };
    let create = form_action(read, check, continue_to()).with_navigation();
    // The link was used or superseded while the page was open.
    let has_expired = Memo::new(move |_| create.problem() == Some(Problem::LinkExpired));
    let content = move |link: OpenedLink| {
        move || {
            if has_expired.get() {
                sign_up_again(Problem::LinkExpired)
            } else {
                offer(link.clone(), create)
            }
        }
    };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {async_view(loading, move || async move {
                match link.get().await {
                    Ok(link) => content(link).into_eager_any(),
                    Err(problem) => sign_up_again(problem),
                }
            })}
        </div>
    }
}

fn offer(link: OpenedLink, create: FormAction) -> AnyView {
    let OpenedLink { link_id, email, action } = link;
    let address = view! { <strong>{email.clone()}</strong> };
    let form = match action {
        Some(LinkAction::Confirm) => confirm(link_id.to_string()),
        Some(LinkAction::ChoosePassword) => choose_password(link_id.to_string(), email, create),
        Some(LinkAction::LogIn) | None => log_in_first(),
    };
    view! {
        <p class="text-muted">{interpolate(FOR, address)}</p>
        {form}
    }
    .into_eager_any()
}

/// Renders what replaces the form if the link can't be used.
fn sign_up_again(problem: Problem) -> AnyView {
    view! {
        {problem_notice(problem)}
        <p class="cluster">
            <a class="button" href=routes::SIGN_UP>
                {crate::messages::SIGN_UP}
            </a>
            <a href=routes::LOG_IN>{crate::messages::LOG_IN}</a>
        </p>
    }
    .into_eager_any()
}

fn confirm(link_id: String) -> AnyView {
    let path = ConfirmEmailCall::PATH;
    let fields = vec![("link_id", link_id)];
    view! {
        {error_from_query(path).map(problem_notice)}
        <PostButton path fields label=messages::CONFIRM primary=true/>
    }
    .into_eager_any()
}

fn choose_password(link_id: String, email: String, create: FormAction) -> AnyView {
    view! {
        <p>{messages::CHOOSE}</p>
        <Form action=create>
            <input type="hidden" name="link_id" value=link_id/>
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
            <SubmitButton label=messages::CREATE busy_label=messages::CREATING/>
        </Form>
    }
    .into_eager_any()
}

fn log_in_first() -> AnyView {
    let log_in = with_return_to(routes::LOG_IN, routes::CONFIRM);
    view! {
        <p>{messages::LOG_IN_FIRST}</p>
        <p class="cluster">
            <a class="button" href=log_in>
                {crate::messages::LOG_IN}
            </a>
            <a href=routes::FORGOT>{crate::features::log_in::messages::FORGOT}</a>
        </p>
    }
    .into_eager_any()
}
