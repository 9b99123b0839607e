//! (server) The profile page: display name and email address.

use super::{ProfileForm, messages};
use crate::{
    brand::Brand,
    layout::account_layout::account_page,
    page_query, request, routes,
    ui::{Card, Date, Icon, List, Tone, email_address, icon_box},
};
use countersign_types::{
    Field,
    views::{Account, TaggedAccount},
};
use leptos::prelude::*;

#[component]
pub fn ProfilePage() -> impl IntoView {
    account_page(routes::PROFILE, "", async |tagged| profile(tagged).into_any())
}

fn profile(TaggedAccount { account, .. }: TaggedAccount) -> impl IntoView {
    view! {
        {page_query::has(routes::WELCOME).then(|| welcome(&account))}
        <div class="card stack" data-part="card">
            <ProfileForm/>
        </div>
        <dl class="list description-list">
            <div>
                <dt>{crate::messages::field::label(Field::Email).text()}</dt>
                <dd class="split cluster">
                    <span>{email_address(&account.email)}</span>
                    <a href=routes::EMAIL.path aria-label=messages::CHANGE_EMAIL.text()>
                        {messages::CHANGE.text()}
                    </a>
                </dd>
            </div>
            <div>
                <dt>{messages::CREATED_AT.text()}</dt>
                <dd>
                    <Date at=account.created_at/>
                </dd>
            </div>
        </dl>
    }
}

/// Renders what a new user sees, with the next steps.
fn welcome(account: &Account) -> impl IntoView + use<> {
    let brand = Brand::of_page();
    let confirm = (!account.email_verified && request::sends_mail()).then(|| {
        // The code was sent with the sign-up if the page asks for it.
        let url = if account.verification_due {
            routes::email_page_for_code()
        } else {
            routes::EMAIL.path.to_owned()
        };
        next_step(Icon::Mail, url, messages::CONFIRM_EMAIL.text().to_owned())
    });
    let go_on = brand.app_url.clone().map(|url| {
        let name = brand.has_custom_name.then_some(&*brand.name);
        next_step(Icon::LogIn, url, messages::go_to(name))
    });
    let steps: Vec<_> = confirm.into_iter().chain(go_on).collect();
    let steps = (!steps.is_empty()).then(|| view! { <List class="" rows=steps/> });
    view! {
        <Card title=messages::welcome(account.name.as_deref()) lead=messages::READY.text()>
            {steps}
        </Card>
    }
}

fn next_step(which: Icon, url: String, label: String) -> AnyView {
    view! {
        <li>
            {icon_box(which, Tone::Accent)}
            <p>
                <a href=url>{label}</a>
            </p>
        </li>
    }
    .into_any()
}
