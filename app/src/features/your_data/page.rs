//! (server) The page for data export and account deletion.

use super::{DeleteAccountForm, messages};
use crate::{
    layout::{account_layout::account_page, messages::deletion_notice},
    page_query, routes,
    ui::{Card, Notice, Severity},
};
use countersign_types::views::TaggedAccount;
use leptos::prelude::*;

#[component]
pub fn YourDataPage() -> impl IntoView {
    account_page(routes::DATA, "", async |tagged| {
        let confirmed = page_query::has(routes::CONFIRMED).then(|| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{messages::CONFIRMED.text()}</p>
                </Notice>
            }
        });
        view! {
            {confirmed}
            <Card title=messages::DOWNLOAD.text()>
                <p class="text-muted">{messages::DOWNLOAD_HELP.text()}</p>
                <p class="cluster">
                    <a class="button secondary" data-part="button-secondary" href=routes::DATA_HTML>
                        {messages::AS_HTML.text()}
                    </a>
                    <a class="button secondary" data-part="button-secondary" href=routes::DATA_JSON>
                        {messages::AS_JSON.text()}
                    </a>
                </p>
            </Card>
            <Card title=messages::DELETE.text()>{deletion(tagged)}</Card>
        }
        .into_any()
    })
}

/// Renders the deletion of the account. The form is shown on request only: password managers fill
/// each password field they find, and one click would then delete the account.
fn deletion(TaggedAccount { account, .. }: TaggedAccount) -> AnyView {
    if account.deletion_scheduled_at.is_some() {
        // The notice above, which is on every account page, has the date and the cancel button.
        return view! { <p>{deletion_notice::PENDING_NOTICE.text()}</p> }.into_any();
    }
    let form = if page_query::has(routes::DELETE) {
        view! { <DeleteAccountForm/> }.into_any()
    } else {
        let href = format!("{}?{}", routes::DATA.path, routes::DELETE);
        view! {
            <p>
                <a class="button secondary" data-part="button-secondary" href=href>
                    {messages::ASK_TO_DELETE.text()}
                </a>
            </p>
        }
        .into_any()
    };
    view! {
        <p class="text-muted">{messages::delete_help()}</p>
        {form}
    }
    .into_any()
}
