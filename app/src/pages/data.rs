//! One's data: taking it along, and deleting the account with it.

use super::account::{AccountPage, shown};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::DeleteAccountCall,
    ui::{Card, Fields, Form, PasswordField, Sending, Submit, focus_on_content, sending},
    who::Who,
    words,
};
use countersign_types::{Field, form::DeleteAccount, view::Account};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn DataPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let check = |call: &DeleteAccountCall| call.form.check().err().unwrap_or_default();
    let delete = sending(read, check, move |account| who.account.set(account));
    let asked = move || query.with(|query| query.get_str(address::DELETE).is_some());
    Effect::new(move |before: Option<bool>| {
        let asked = asked();
        // The form comes or goes, and the focus with it.
        if delete.was_accepted() == Some(true) || before.is_some_and(|before| before != asked) {
            focus_on_content();
        }
        asked
    });
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
            <Card title=words::data::DELETE>{shown(who.account, move |account| deletion(account, delete, asked))}</Card>
        </AccountPage>
    }
}

fn read(fields: &Fields) -> DeleteAccountCall {
    DeleteAccountCall {
        form: DeleteAccount { current: fields.text("current"), tag: fields.text("tag") },
    }
}

/// The form is there only if it was `asked` for: password managers fill in every field that they
/// see, and the page would then delete the account by one press.
fn deletion(
    account: Account,
    delete: Sending,
    asked: impl Fn() -> bool + Send + Sync + 'static,
) -> AnyView {
    if account.deletes_at.is_some() {
        // When, and how it is taken back, is said above, as on every page of the account.
        return view! { <p>{words::leaving::ABOVE}</p> }.solid();
    }
    view! {
        <p class="soft">{words::data::delete_means()}</p>
        {move || if asked() { form(account.clone(), delete) } else { opener() }}
    }
    .solid()
}

fn opener() -> AnyView {
    let href = format!("{}?{}", address::DATA, address::DELETE);
    view! { <p><a class="button quiet" href=href>{words::data::ASK_TO_DELETE}</a></p> }.solid()
}

fn form(account: Account, delete: Sending) -> AnyView {
    view! {
        <Form sending=delete class="inline">
            <input type="hidden" name="form[tag]" value=account.tag/>
            // Tells password managers whose password this is.
            <input type="text" name="username" value=account.email autocomplete="username" readonly hidden/>
            <PasswordField field=Field::Current/>
            <div class="cluster">
                <Submit label=words::data::DELETE working=words::data::DELETING danger=true/>
                <a class="button quiet" href=address::DATA>
                    {words::CANCEL}
                </a>
            </div>
        </Form>
    }
    .solid()
}
