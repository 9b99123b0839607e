//! Another password.

use super::account::{AccountPage, shown};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::ChangePasswordCall,
    ui::{Fields, Form, Notice, PasswordField, Sending, Submit, Tone, sending},
    who::Who,
    words,
};
use countersign_types::{Field, form::ChangePassword};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn PasswordPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let check = |call: &ChangePasswordCall| call.form.check(None).err().unwrap_or_default();
    let change = sending(read, check, |()| crate::session::is_outdated());
    // A plain form says it in the address.
    let saved = move || {
        change
            .was_accepted()
            .unwrap_or_else(|| query.with(|query| query.get_str(address::SAVED).is_some()))
    };
    view! {
        <AccountPage path="/account/password" heading=words::password::HEADING lead=words::password::LEAD>
            {move || saved().then(|| view! { <Notice tone=Tone::News><p>{words::password::SAVED}</p></Notice> })}
            {shown(who.account, move |account| form(account.email, account.tag, change))}
        </AccountPage>
    }
}

fn read(fields: &Fields) -> ChangePasswordCall {
    ChangePasswordCall {
        form: ChangePassword {
            current: fields.text("current"),
            new: fields.text("new"),
            tag: fields.text("tag"),
        },
    }
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
