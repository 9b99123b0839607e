//! (server) The page that asks for the password again. Its form is a plain one, without an island:
//! the page is rare, and an island would cost each visitor 1.3 KB.

use super::{ConfirmPasswordCall, messages};
use crate::{
    current_user::CurrentUser,
    layout::{account_layout::load_error, auth_layout::AuthLayout},
    messages::{CANCEL, LOGGED_IN_AS},
    page_query, routes,
    ui::{Form, FormValues, PasswordField, SubmitButton, UsernameField, form_action, interpolate},
};
use countersign_types::{
    Field, FieldErrors, RedirectPath, forms::CurrentPasswordForm, views::TaggedAccount,
};
use leptos::prelude::*;

#[component]
pub fn ConfirmPasswordPage() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let content = Suspend::new(async move {
        match user.account().await {
            Ok(tagged) => form(tagged).into_any(),
            Err(problem) => load_error(problem),
        }
    });
    let next = RedirectPath::parse(&page_query::value("next").unwrap_or_default());
    // Without the query, which may say that the password is confirmed.
    let cancel = next.as_str().split('?').next().unwrap_or_default().to_owned();
    let links = view! {
        <p>
            <a class="if-mail" href=routes::FORGOT>
                {messages::FORGOT.text()}
            </a>
        </p>
        <p>
            <a href=cancel>{CANCEL.text()}</a>
        </p>
    };
    view! {
        <AuthLayout
            heading=messages::HEADING.text()
            lead=messages::LEAD.text()
            links=Some(links.into_any())
        >
            {content}
        </AuthLayout>
    }
}

fn form(TaggedAccount { account, session_tag }: TaggedAccount) -> impl IntoView {
    // Only the path and the problem in the query are used: the browser sends the form.
    let read = |_: &FormValues| ConfirmPasswordCall {
        form: CurrentPasswordForm::default(),
        next: String::new(),
        session_tag: String::new(),
    };
    let confirm = form_action(read, |_| FieldErrors::default(), drop);
    let next = page_query::value("next").unwrap_or_default();
    let email = view! { <strong>{account.email.clone()}</strong> };
    view! {
        <p class="text-muted">{interpolate(LOGGED_IN_AS, email)}</p>
        <Form action=confirm class="plain-form">
            <input type="hidden" name="next" value=next/>
            <input type="hidden" name="session_tag" value=session_tag/>
            <UsernameField email=account.email/>
            <PasswordField field=Field::CurrentPassword/>
            <SubmitButton label=messages::CONTINUE.text() busy_label=messages::CONTINUE.text()/>
        </Form>
    }
}
