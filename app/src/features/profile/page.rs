//! (server) The profile page: display name and email address.

use super::{ProfileForm, messages};
use crate::{
    layout::account_layout::account_page,
    routes,
    ui::{Date, email_address},
};
use countersign_types::{Field, views::TaggedAccount};
use leptos::prelude::*;

#[component]
pub fn ProfilePage() -> impl IntoView {
    account_page(routes::PROFILE, "", async |tagged| profile(tagged).into_any())
}

fn profile(TaggedAccount { account, .. }: TaggedAccount) -> impl IntoView {
    view! {
        <div class="card stack">
            <ProfileForm/>
        </div>
        <dl class="list description-list">
            <div>
                <dt>{crate::messages::field::label(Field::Email)}</dt>
                <dd class="split cluster">
                    <span>{email_address(&account.email)}</span>
                    <a href=routes::EMAIL.path aria-label=messages::CHANGE_EMAIL>
                        {messages::CHANGE}
                    </a>
                </dd>
            </div>
            <div>
                <dt>{messages::CREATED_AT}</dt>
                <dd>
                    <Date at=account.created_at/>
                </dd>
            </div>
        </dl>
    }
}
