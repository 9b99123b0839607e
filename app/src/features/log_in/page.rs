//! (server) The log-in page.

use super::{LogInForm, messages};
use crate::{
    page_query,
    return_to::with_return_to,
    routes,
    ui::{PageHeader, interpolate},
};
use leptos::prelude::*;

#[component]
pub fn LogInPage() -> impl IntoView {
    let sign_up = with_return_to(routes::SIGN_UP, &page_query::value("next").unwrap_or_default());
    let sign_up = view! { <a href=sign_up>{crate::messages::SIGN_UP}</a> };
    view! {
        <div class="narrow stack">
            <PageHeader heading=crate::messages::LOG_IN/>
            <LogInForm/>
            <p>{interpolate(messages::NEW_HERE, sign_up)}</p>
        </div>
    }
}
