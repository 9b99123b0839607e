//! (server) The activity page: a paginated list. The next page is an ordinary link, so that it
//! works without scripts and with Back.

use super::{list_activity, messages};
use crate::{
    layout::account_layout::{account_page, load_error},
    page_query, routes,
    ui::{DateTime, List, problem_notice},
};
use countersign_types::{
    EventSeverity, Problem,
    views::{ActivityEvent, Paginated},
};
use leptos::prelude::*;

#[component]
pub fn ActivityPage() -> impl IntoView {
    account_page(routes::ACTIVITY, messages::LEAD, async |_| {
        let cursor = page_query::value("cursor").filter(|cursor| !cursor.is_empty());
        let is_older = cursor.is_some();
        match list_activity(cursor).await.map_err(Problem::from) {
            Ok(page) => list(page, is_older).into_any(),
            // A malformed link: a retry can't help.
            Err(problem @ Problem::BadRequest) => {
                view! { {problem_notice(problem)} {newest()} }.into_any()
            }
            Err(problem) => load_error(problem),
        }
    })
}

/// Renders a page of the list. `is_older`: it isn't the first page.
fn list(page: Paginated<ActivityEvent>, is_older: bool) -> impl IntoView {
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
}

fn newest() -> impl IntoView {
    view! { <a class="button secondary" href=routes::ACTIVITY.path>{messages::NEWEST}</a> }
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
    .into_any()
}
