//! The page for data export and account deletion.

use super::messages;
use crate::{
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::your_data::DeleteAccountCall,
    layout::account_layout::{AccountLayout, when_loaded},
    routes,
    ui::{
        Card, Form, FormAction, FormValues, PasswordField, SubmitButton, focus_main, form_action,
    },
};
use countersign_types::{Field, forms::DeleteAccountForm, views::TaggedAccount};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn YourDataPage() -> impl IntoView {
    let (user, query) = (expect_context::<CurrentUser>(), use_query_map());
    let check = |call: &DeleteAccountCall| call.form.validate().err().unwrap_or_default();
    let delete = form_action(read, check, move |tagged| user.account.set(tagged));
    let is_form_open = move || query.with(|query| query.get_str(routes::DELETE).is_some());
    Effect::new(move |before: Option<bool>| {
        let is_open = is_form_open();
        // The form, and the focus in it, appears or disappears.
        if delete.was_accepted() == Some(true) || before.is_some_and(|before| before != is_open) {
            focus_main();
        }
        is_open
    });
    view! {
        <AccountLayout page=routes::DATA>
            <Card title=messages::DOWNLOAD>
                <p class="text-muted">{messages::DOWNLOAD_HELP}</p>
                // `external`: these are files, which the router doesn't know.
                <p class="cluster">
                    <a class="button secondary" href=routes::DATA_HTML rel="external">
                        {messages::AS_HTML}
                    </a>
                    <a class="button secondary" href=routes::DATA_JSON rel="external">
                        {messages::AS_JSON}
                    </a>
                </p>
            </Card>
            <Card title=messages::DELETE>
                {when_loaded(user.account, move |tagged| deletion(tagged, delete, is_form_open))}
            </Card>
        </AccountLayout>
    }
}

fn read(fields: &FormValues) -> DeleteAccountCall {
    DeleteAccountCall {
        form: DeleteAccountForm { current_password: fields.text("current_password") },
        session_tag: fields.argument("session_tag"),
    }
}

/// Renders the deletion of the account. The form is shown on request only: password managers fill
/// each password field they find, and one click would then delete the account.
fn deletion(
    tagged: TaggedAccount,
    delete: FormAction,
    is_form_open: impl Fn() -> bool + Send + Sync + 'static,
) -> AnyView {
    if tagged.account.deletion_scheduled_at.is_some() {
        // The notice above, which is on every account page, has the date and the cancel button.
        return view! { <p>{crate::layout::messages::deletion_notice::PENDING_NOTICE}</p> }
            .into_eager_any();
    }
    view! {
        <p class="text-muted">{messages::delete_help()}</p>
        {move || if is_form_open() { form(tagged.clone(), delete) } else { open_link() }}
    }
    .into_eager_any()
}

fn open_link() -> AnyView {
    let href = format!("{}?{}", routes::DATA.path, routes::DELETE);
    view! { <p><a class="button secondary" href=href>{messages::ASK_TO_DELETE}</a></p> }
        .into_eager_any()
}

fn form(TaggedAccount { account, session_tag }: TaggedAccount, delete: FormAction) -> AnyView {
    view! {
        <Form action=delete class="button-inline">
            <input type="hidden" name="session_tag" value=session_tag/>
            // Tells password managers which account the password belongs to.
            <input
                type="text"
                name="username"
                value=account.email
                autocomplete="username"
                readonly
                hidden
            />
            <PasswordField field=Field::CurrentPassword/>
            <div class="cluster">
                <SubmitButton
                    label=messages::DELETE
                    busy_label=messages::DELETING
                    danger=true
                />
                <a class="button secondary" href=routes::DATA.path>
                    {crate::messages::CANCEL}
                </a>
            </div>
        </Form>
    }
    .into_eager_any()
}
