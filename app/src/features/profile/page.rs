//! The profile page: email address, display name and log-out.

use super::messages;
use crate::{
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::profile::UpdateProfileCall,
    layout::{
        account_layout::{AccountLayout, when_loaded},
        site_layout::LogOutForm,
    },
    routes,
    ui::{Card, Date, Form, FormAction, FormValues, SubmitButton, TextField, form_action},
};
use countersign_types::{Field, forms::UpdateProfileForm, views::TaggedAccount};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ProfilePage() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let check = |call: &UpdateProfileCall| call.form.validate().err().unwrap_or_default();
    let is_changed = RwSignal::new(true);
    let update = form_action(read, check, move |tagged: TaggedAccount| {
        let before = user.account.current_untracked().and_then(Result::ok);
        let is_same = before.is_some_and(|before| before.account.name == tagged.account.name);
        is_changed.try_set(!is_same);
        user.account.set(tagged);
    });
    let query = use_query_map();
    // The result of a plain form is in the query.
    let message = move |saved: &str| {
        if saved == "nothing" { messages::UNCHANGED } else { messages::SAVED }
    };
    let status = move || match update.was_accepted() {
        Some(accepted) => accepted.then(|| message(if is_changed.get() { "" } else { "nothing" })),
        None => query.with(|query| query.get_str(routes::SAVED).map(message)),
    };
    view! {
        <AccountLayout page=routes::PROFILE>
            {when_loaded(user.account, move |tagged| profile(tagged, update, status))}
        </AccountLayout>
    }
}

fn read(fields: &FormValues) -> UpdateProfileCall {
    UpdateProfileCall {
        form: UpdateProfileForm { name: fields.text("name") },
        session_tag: fields.argument("session_tag"),
    }
}

fn profile(
    TaggedAccount { account, session_tag }: TaggedAccount,
    update: FormAction,
    status: impl Fn() -> Option<&'static str> + Send + Sync + 'static,
) -> AnyView {
    view! {
        <dl class="list description-list">
            <div>
                <dt>{crate::messages::field::label(Field::Email)}</dt>
                <dd>{account.email}</dd>
            </div>
            <div>
                <dt>{messages::SINCE}</dt>
                <dd>
                    <Date at=account.created_at/>
                </dd>
            </div>
        </dl>
        <Form action=update class="button-inline">
            <input type="hidden" name="session_tag" value=session_tag/>
            <TextField
                field=Field::Name
                hint=crate::messages::field::RENAME_HINT
                autocomplete="name"
                value=account.name.unwrap_or_default()
            />
            <div class="cluster">
                <SubmitButton
                    label=messages::SAVE
                    busy_label=messages::SAVING
                />
                <p class="text-muted text-small" role="status">
                    {status}
                </p>
            </div>
        </Form>
        <Card title=crate::messages::LOG_OUT>
            <p class="text-muted">{messages::LOG_OUT_HELP}</p>
            <LogOutForm/>
        </Card>
    }
    .into_eager_any()
}
