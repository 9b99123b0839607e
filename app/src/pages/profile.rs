//! The account: who you are here, and the way out.

use super::{
    account::{AccountPage, shown},
    frame::LogOutForm,
};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::RenameCall,
    ui::{Card, Day, Fields, Form, Sending, Submit, TextField, sending},
    who::Who,
    words,
};
use countersign_types::{Field, form::Rename, view::Account};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ProfilePage() -> impl IntoView {
    let who = expect_context::<Who>();
    let check = |call: &RenameCall| call.form.check().err().unwrap_or_default();
    let changed = RwSignal::new(true);
    let rename = sending(read, check, move |account: Account| {
        changed.try_set(
            !matches!(who.account.now_untracked(), Some(Ok(before)) if before.name == account.name),
        );
        who.account.set(account);
    });
    let query = use_query_map();
    // What a plain form has done stands in the address.
    let says = move |how: &str| {
        if how == "nothing" { words::profile::UNCHANGED } else { words::profile::SAVED }
    };
    let saved = move || match rename.was_accepted() {
        Some(accepted) => accepted.then(|| says(if changed.get() { "" } else { "nothing" })),
        None => query.with(|query| query.get_str(address::SAVED).map(says)),
    };
    view! {
        <AccountPage path="/account" heading=words::profile::HEADING>
            {shown(who.account, move |account| profile(account, rename, saved))}
        </AccountPage>
    }
}

fn read(fields: &Fields) -> RenameCall {
    RenameCall { form: Rename { name: fields.text("name"), tag: fields.text("tag") } }
}

fn profile(
    account: Account,
    rename: Sending,
    saved: impl Fn() -> Option<&'static str> + Send + Sync + 'static,
) -> AnyView {
    view! {
        <dl class="list facts">
            <div>
                <dt>{words::field::label(Field::Email)}</dt>
                <dd>{account.email}</dd>
            </div>
            <div>
                <dt>{words::profile::SINCE}</dt>
                <dd>
                    <Day at=account.created_at/>
                </dd>
            </div>
        </dl>
        <Form sending=rename class="inline">
            <input type="hidden" name="form[tag]" value=account.tag/>
            <TextField field=Field::Name hint=words::field::RENAME_HINT autocomplete="name" value=account.name.unwrap_or_default()/>
            <div class="cluster">
                <Submit label=words::profile::SAVE working=words::profile::SAVING/>
                <p class="soft small" role="status">
                    {saved}
                </p>
            </div>
        </Form>
        <Card title=words::LOG_OUT>
            <p class="soft">{words::profile::LOG_OUT_MEANS}</p>
            <LogOutForm/>
        </Card>
    }
    .solid()
}
