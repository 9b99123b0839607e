//! What happened to the account: a long list, a part at a time. The next part is an ordinary link, so it works with scripts off and with Back.

use super::account::{AccountPage, LogInFirst};
use crate::solid::IntoSolid;
use crate::{
    api::recent_activity,
    known::Known,
    problem::Problem,
    ui::{Trouble, When, awaited, loading},
    who::Who,
    words,
};
use contract::view::{Event, EventKind, Page};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

const HERE: &str = "/account/activity";

#[component]
pub fn ActivityPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let cursor = move || query.with(|query| query.get("cursor").filter(|cursor| !cursor.is_empty()));
    let part = Known::new(move || (who.version(), cursor()), recent_activity);
    view! {
        <Title text=words::activity::PAGE/>
        <AccountPage path=HERE>
            <h1>{words::activity::HEADING}</h1>
            <p class="soft">{words::activity::LEAD}</p>
            {awaited(loading, move || async move {
                match part.get().await {
                    Ok(part) => list(part, untrack(cursor).is_some()),
                    Err(Problem::SignedOut) => view! { <LogInFirst/> }.solid(),
                    Err(problem) => {
                        // Trying again does not mend a spoilt link.
                        let newest = (problem == Problem::BadRequest).then(newest);
                        view! { <Trouble problem again=Box::new(move || part.read_again())/> {newest} }.solid()
                    }
                }
            })}
        </AccountPage>
    }
}

/// `older`: this is not the first part.
fn list(part: Page<Event>, older: bool) -> AnyView {
    let events = if part.items.is_empty() {
        let words = if older { words::activity::NO_MORE } else { words::activity::EMPTY };
        view! { <p>{words}</p> }.solid()
    } else {
        view! { <ol class="events" role="list">{part.items.into_iter().map(event).collect_view()}</ol> }.solid()
    };
    view! {
        {events}
        <p class="cluster">
            {part.next_cursor.map(|cursor| view! { <a class="button quiet" href=format!("{HERE}?cursor={cursor}")>{words::activity::OLDER}</a> })}
            {older.then(newest)}
        </p>
    }
    .solid()
}

fn newest() -> AnyView {
    view! { <a class="button quiet" href=HERE>{words::activity::NEWEST}</a> }.solid()
}

fn event(event: Event) -> impl IntoView {
    let alarming = matches!(
        event.kind,
        EventKind::LogInFailed | EventKind::TokenReused | EventKind::PasswordChangeFailed | EventKind::DeletionAsked | EventKind::DeletionRefused
    );
    let device = event.device.unwrap_or_else(|| words::UNKNOWN_DEVICE.to_owned());
    let from = event.address.map(|address| format!(" · {address}"));
    view! {
        <li data-kind=event.kind.as_str() data-tone=alarming.then_some("problem")>
            <span class="event-kind">{words::event(event.kind)}</span>
            <When at=event.at/>
            <span class="soft small">{device} {from}</span>
        </li>
    }
}
