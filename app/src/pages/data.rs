//! One's data: taking it along, and deleting the account with it.

use super::account::{AccountPage, shown};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::DeleteAccountCall,
    ui::{Card, Fields, Form, Notice, PasswordField, Sending, Submit, Tone, focus_on_content, sending},
    who::Who,
    words,
};
use contract::{Field, form::DeleteAccount, view::Account};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn DataPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let check = |call: &DeleteAccountCall| call.form.check().err().unwrap_or_default();
    let delete = sending(read, check, move |account| who.account.set(account));
    Effect::new(move |_| {
        if delete.was_accepted() == Some(true) {
            // The form goes away, and the focus with it.
            focus_on_content();
        }
    });
    let kept = query.with_untracked(|query| query.get_str(address::SAVED).is_some());
    view! {
        <AccountPage path=address::DATA heading=words::data::HEADING>
            <Card title=words::data::TAKE>
                <p class="soft">{words::data::TAKE_MEANS}</p>
                // `external`: these are files, and nothing that the router knows.
                <p class="cluster">
                    <a class="button quiet" href=address::DATA_AS_PAGE rel="external">
                        {words::data::AS_PAGE}
                    </a>
                    <a class="button quiet" href=address::DATA_AS_JSON rel="external">
                        {words::data::AS_JSON}
                    </a>
                </p>
            </Card>
            <Card title=words::data::DELETE>{shown(who.account, move |account| deletion(account, delete, kept))}</Card>
        </AccountPage>
    }
}

fn read(fields: &Fields) -> DeleteAccountCall {
    DeleteAccountCall { form: DeleteAccount { current: fields.text("current"), tag: fields.text("tag") } }
}

/// `kept`: it was just taken back.
fn deletion(account: Account, delete: Sending, kept: bool) -> AnyView {
    if account.deletes_at.is_some() {
        // When, and how it is taken back, is said above, as on every page of the account.
        return view! { <p>{words::leaving::ABOVE}</p> }.solid();
    }
    view! {
        {kept.then(|| view! { <Notice tone=Tone::News><p>{words::data::KEPT}</p></Notice> })}
        <p class="soft">{words::data::delete_means()}</p>
        <Form sending=delete class="inline">
            <input type="hidden" name="form[tag]" value=account.tag/>
            // Tells password managers whose password this is.
            <input type="text" name="username" value=account.email autocomplete="username" readonly hidden/>
            <PasswordField field=Field::Current/>
            <Submit label=words::data::DELETE working=words::data::DELETING danger=true/>
        </Form>
    }
    .solid()
}
