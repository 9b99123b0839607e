//! What happened to the account: a long list, a part at a time. The next part is an ordinary link,
//! so it works with scripts off and with Back.

use super::account::{AccountPage, instead};
use crate::solid::IntoSolid;
use crate::{
    api::recent_activity,
    known::Known,
    problem::Problem,
    ui::{List, When, awaited, focus_on_content, loading, problem_notice},
    who::Who,
    words,
};
use countersign_types::view::{Event, EventKind, Page};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const HERE: &str = "/account/activity";

#[component]
pub fn ActivityPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let cursor =
        move || query.with(|query| query.get("cursor").filter(|cursor| !cursor.is_empty()));
    let part = Known::new(move || (who.version(), cursor()), recent_activity);
    let shown = StoredValue::new(None);
    // Another part is to who listens what another page is.
    let arrives_at = move |cursor: Option<String>| {
        Effect::new(move |_| {
            let before = shown.try_update_value(|shown| shown.replace(cursor.clone())).flatten();
            if before.is_some_and(|before| before != cursor) {
                focus_on_content();
            }
        });
    };
    view! {
        <AccountPage path=HERE heading=words::activity::HEADING lead=words::activity::LEAD>
            {awaited(loading, move || async move {
                let (read, cursor) = (part.get().await, untrack(cursor));
                let older = cursor.is_some();
                arrives_at(cursor);
                match read {
                    Ok(part) => list(part, older),
                    // A spoilt link, which trying again does not mend.
                    Err(problem @ Problem::BadRequest) => view! { {problem_notice(problem)} {newest()} }.solid(),
                    Err(problem) => instead(problem, move || part.read_again()),
                }
            })}
        </AccountPage>
    }
}

/// `older`: this is not the first part.
fn list(part: Page<Event>, older: bool) -> AnyView {
    let empty = if older { words::activity::NO_MORE } else { words::activity::EMPTY };
    let rows = part.items.into_iter().map(event).collect();
    view! {
        <List class="events" rows empty/>
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

fn event(event: Event) -> AnyView {
    let alarming = matches!(
        event.kind,
        EventKind::LogInFailed
            | EventKind::TokenReused
            | EventKind::PasswordChangeFailed
            | EventKind::DeletionAsked
            | EventKind::DeletionRefused
    );
    let device = words::device(event.device.as_deref());
    let from = event.address.map(|address| format!(" · {address}"));
    view! {
        <li data-kind=event.kind.as_str() data-tone=alarming.then_some("problem")>
            <span class="event-kind">{words::event(event.kind)}</span>
            <When at=event.at/>
            <span class="soft small">{device} {from}</span>
        </li>
    }
    .solid()
}
