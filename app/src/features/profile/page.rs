//! (server) The profile page: email address, display name and log-out.

use super::{ProfileForm, messages};
use crate::{
    features::log_out::LogOutForm,
    layout::account_layout::account_page,
    routes,
    ui::{Card, Date},
};
use countersign_types::{Field, views::TaggedAccount};
use leptos::prelude::*;

#[component]
pub fn ProfilePage() -> impl IntoView {
    account_page(routes::PROFILE, "", async |tagged| profile(tagged).into_any())
}

fn profile(TaggedAccount { account, .. }: TaggedAccount) -> impl IntoView {
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
        <ProfileForm/>
        <Card title=crate::messages::LOG_OUT>
            <p class="text-muted">{messages::LOG_OUT_HELP}</p>
            <LogOutForm/>
        </Card>
    }
}
