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
use contract::{Field, form::Rename, view::Account};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ProfilePage() -> impl IntoView {
    let who = expect_context::<Who>();
    let check = |call: &RenameCall| call.form.check().err().unwrap_or_default();
    let rename = sending(read, check, move |account| who.account.set(account));
    let query = use_query_map();
    // A plain form says it in the address.
    let saved = move || rename.was_accepted().unwrap_or_else(|| query.with(|query| query.get_str(address::SAVED).is_some()));
    view! {
        <AccountPage path="/account" heading=words::profile::HEADING>
            {shown(who.account, move |account| profile(account, rename, saved))}
        </AccountPage>
    }
}

fn read(fields: &Fields) -> RenameCall {
    RenameCall { form: Rename { name: fields.text("name"), tag: fields.text("tag") } }
}

fn profile(account: Account, rename: Sending, saved: impl Fn() -> bool + Send + Sync + 'static) -> AnyView {
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
                    {move || saved().then_some(words::profile::SAVED)}
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
