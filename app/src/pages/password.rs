//! Another password.

use super::account::{AccountPage, LogInFirst};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::ChangePasswordCall,
    problem::Problem,
    ui::{Fields, Form, Notice, PasswordField, Sending, Submit, Tone, Trouble, awaited, loading, sending},
    who::Who,
    words,
};
use contract::{Field, form::ChangePassword};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn PasswordPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let check = |call: &ChangePasswordCall| call.form.check(None).err().unwrap_or_default();
    let change = sending(read, check, |()| crate::session::is_outdated());
    // A plain form says it in the address.
    let saved = move || change.was_accepted().unwrap_or_else(|| query.with(|query| query.get_str(address::SAVED).is_some()));
    view! {
        <Title text=words::password::PAGE/>
        <AccountPage path="/account/password">
            <h1>{words::password::HEADING}</h1>
            <p class="soft">{words::password::LEAD}</p>
            {move || saved().then(|| view! { <Notice tone=Tone::News><p>{words::password::SAVED}</p></Notice> })}
            {awaited(loading, move || async move {
                match who.account.get().await {
                    Ok(account) => form(account.email, account.tag, change),
                    Err(Problem::SignedOut) => view! { <LogInFirst/> }.solid(),
                    Err(problem) => view! { <Trouble problem again=Box::new(move || who.changed())/> }.solid(),
                }
            })}
        </AccountPage>
    }
}

fn read(fields: &Fields) -> ChangePasswordCall {
    ChangePasswordCall { form: ChangePassword { current: fields.text("current"), new: fields.text("new"), tag: fields.text("tag") } }
}

fn form(email: String, tag: String, change: Sending) -> AnyView {
    view! {
        <Form sending=change class="inline">
            <input type="hidden" name="form[tag]" value=tag/>
            // Tells password managers whose password this is.
            <input type="text" name="username" value=email autocomplete="username" readonly hidden/>
            <PasswordField field=Field::Current/>
            <PasswordField field=Field::New new=true/>
            <Submit label=words::password::SAVE working=words::password::SAVING/>
        </Form>
    }
    .solid()
}
