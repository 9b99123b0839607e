//! The activity page: a paginated list. The next page is an ordinary link, so that it works without
//! scripts and with Back.

use super::messages;
use crate::{
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::activity::list_activity,
    layout::account_layout::{AccountLayout, error_fallback},
    resource::PageResource,
    routes,
    ui::{DateTime, List, async_view, focus_main, loading, problem_notice},
};
use countersign_types::{
    EventSeverity, Problem,
    views::{ActivityEvent, Paginated},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ActivityPage() -> impl IntoView {
    let (user, query) = (expect_context::<CurrentUser>(), use_query_map());
    let cursor =
        move || query.with(|query| query.get("cursor").filter(|cursor| !cursor.is_empty()));
    let events = PageResource::new(move || (user.version(), cursor()), list_activity);
    let shown = StoredValue::new(None);
    // For screen readers, another page of the list is like another page of the site.
    let focus_if_changed = move |cursor: Option<String>| {
        Effect::new(move |_| {
            let before = shown.try_update_value(|shown| shown.replace(cursor.clone())).flatten();
            if before.is_some_and(|before| before != cursor) {
                focus_main();
            }
        });
    };
    let content = move || async move {
        let (loaded, cursor) = (events.get().await, untrack(cursor));
        let is_older = cursor.is_some();
        focus_if_changed(cursor);
        match loaded {
            Ok(page) => list(page, is_older),
            // A malformed link: a retry can't help.
            Err(problem @ Problem::BadRequest) => {
                view! { {problem_notice(problem)} {newest()} }.into_eager_any()
            }
            Err(problem) => error_fallback(problem, move || events.refetch()),
        }
    };
    view! {
        <AccountLayout
            page=routes::ACTIVITY
            lead=messages::LEAD
        >
            {async_view(loading, content)}
        </AccountLayout>
    }
}

/// Renders a page of the list. `is_older`: it isn't the first page.
fn list(page: Paginated<ActivityEvent>, is_older: bool) -> AnyView {
    let empty = if is_older { messages::NO_MORE } else { messages::EMPTY };
    let rows = page.items.into_iter().map(event).collect();
    let older = page.next_cursor.map(|cursor| {
        let href = format!("{}?cursor={cursor}", routes::ACTIVITY.path);
        view! { <a class="button secondary" href=href>{messages::OLDER}</a> }
    });
    view! {
        <List class="activity-list" rows empty/>
        <p class="cluster">{older} {is_older.then(newest)}</p>
    }
    .into_eager_any()
}

fn newest() -> AnyView {
    view! { <a class="button secondary" href=routes::ACTIVITY.path>{messages::NEWEST}</a> }
        .into_eager_any()
}

fn event(event: ActivityEvent) -> AnyView {
    let is_warning = event.kind.severity() == EventSeverity::Warning;
    let device = crate::messages::device(event.device.as_deref());
    let address = event.address.map(|address| format!(" · {address}"));
    view! {
        <li data-event=event.kind.as_str() data-severity=is_warning.then_some("error")>
            <span class="activity-event">{event.kind.text()}</span>
            <DateTime at=event.at/>
            <span class="text-muted text-small">{device} {address}</span>
        </li>
    }
    .into_eager_any()
}
