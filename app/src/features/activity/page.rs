//! (server) The activity page: a paginated list with filters, grouped by day. The filters and the
//! next page are ordinary links, so that they work without scripts and with Back.

use super::{list_activity, messages};
use crate::{
    layout::account_layout::{account_page, load_error},
    page_query,
    request::RequestScope,
    routes,
    time_zone::LocalTime,
    ui::{
        DateTime, Icon, List, TimeOfDay, Tone, datetime::day_name, icon_box, interpolate,
        problem_notice,
    },
};
use countersign_types::{
    ActivityFilter, EventKind, EventSeverity, EventTopic, Problem, TimeSpan, Timestamp,
    views::{ActivityEvent, ActivityEventPage},
};
use leptos::prelude::*;

/// How long a log-in has a link for users who do not recognise it.
const REPORTABLE: TimeSpan = TimeSpan::days(30);

/// The parameter of the filter.
const SHOW: &str = "show";
/// The parameter of the cursor.
const CURSOR: &str = "cursor";

#[component]
pub fn ActivityPage() -> impl IntoView {
    account_page(routes::ACTIVITY, messages::LEAD.text(), async |_| {
        let filter = page_query::value(SHOW)
            .map_or(Some(ActivityFilter::All), |name| ActivityFilter::from_name(&name));
        let content = match filter {
            Some(filter) => load_list(filter).await,
            // Not all events: they would look like the result of the filter.
            None => malformed_link(ActivityFilter::All),
        };
        view! { {filter_links(filter)} {content} }.into_any()
    })
}

async fn load_list(filter: ActivityFilter) -> AnyView {
    let cursor = page_query::value(CURSOR).filter(|cursor| !cursor.is_empty());
    let is_older = cursor.is_some();
    match list_activity(filter, cursor).await.map_err(Problem::from) {
        Ok(page) => list(page, filter, is_older, RequestScope::now()).into_any(),
        Err(Problem::BadRequest) => malformed_link(filter),
        Err(problem) => load_error(problem),
    }
}

/// Renders the error for a malformed link. A retry can't help.
fn malformed_link(filter: ActivityFilter) -> AnyView {
    view! { {problem_notice(Problem::BadRequest)} {newest(filter)} }.into_any()
}

/// Renders the links to the lists with each filter.
fn filter_links(current: Option<ActivityFilter>) -> impl IntoView {
    let links = ActivityFilter::ALL.map(|filter| {
        let is_current = current == Some(filter);
        view! {
            <li>
                <a href=href(filter, None) aria-current=is_current.then_some("true")>
                    {messages::filter(filter).name.text()}
                </a>
            </li>
        }
    });
    view! {
        <nav class="filter-links" aria-label=messages::FILTERS.text()>
            <ul role="list">{links.collect_view()}</ul>
        </nav>
    }
}

/// Renders a page of the list. `is_older`: it isn't the first page.
fn list(
    page: ActivityEventPage,
    filter: ActivityFilter,
    is_older: bool,
    now: Timestamp,
) -> impl IntoView {
    let texts = messages::filter(filter);
    let days = days(page.items);
    let none_since = page.searched_to.map(|at| {
        let is_first = days.is_empty() && !is_older;
        let sentence = if is_first { texts.none_since } else { texts.none_older_since };
        interpolate(sentence, view! { <DateTime at/> }).into_any()
    });
    let content = if days.is_empty() {
        let end = if is_older { messages::NO_MORE.text() } else { texts.empty.text() };
        let text = none_since.unwrap_or_else(|| end.into_any());
        view! { <p class="empty" data-part="empty">{text}</p> }.into_any()
    } else {
        let day = |events: Vec<Repeated>| {
            let name = day_name(LocalTime::of(events[0].newest.at), now);
            let rows = events.into_iter().map(|event| row(event, now)).collect();
            view! {
                <section class="activity-day">
                    <h2>{name}</h2>
                    <List class="activity-list" rows/>
                </section>
            }
        };
        view! {
            {days.into_iter().map(day).collect_view()}
            {none_since.map(|text| view! { <p class="text-muted text-small">{text}</p> })}
        }
        .into_any()
    };
    let label = if page.searched_to.is_some() {
        messages::SEARCH_OLDER.text()
    } else {
        messages::OLDER.text()
    };
    let older = page.next_cursor.map(|cursor| {
        let href = href(filter, Some(&cursor));
        view! {
            <a class="button secondary" data-part="button-secondary" href=href>
                {label}
            </a>
        }
    });
    view! {
        {content}
        <p class="cluster">{older} {is_older.then(|| newest(filter))}</p>
    }
}

fn newest(filter: ActivityFilter) -> impl IntoView {
    view! {
        <a class="button secondary" data-part="button-secondary" href=href(filter, None)>
            {messages::NEWEST.text()}
        </a>
    }
}

/// Returns the URL of a page of the list.
fn href(filter: ActivityFilter, cursor: Option<&str>) -> String {
    let show = (filter != ActivityFilter::All).then(|| format!("{SHOW}={}", filter.as_str()));
    let cursor = cursor.map(|cursor| format!("{CURSOR}={cursor}"));
    let query: Vec<String> = show.into_iter().chain(cursor).collect();
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}{separator}{}", routes::ACTIVITY.path, query.join("&"))
}

/// Equal events in a row, which the list shows as one.
struct Repeated {
    newest: ActivityEvent,
    count: usize,
}

/// Groups events, newest first, by the day of the user, and equal ones of a day in a row.
fn days(events: Vec<ActivityEvent>) -> Vec<Vec<Repeated>> {
    let mut days: Vec<Vec<Repeated>> = Vec::new();
    for event in events {
        let day = LocalTime::of(event.at);
        match days.last_mut() {
            Some(events) if day.is_same_day(LocalTime::of(events[0].newest.at)) => {
                match events.last_mut() {
                    Some(last) if is_repetition(&last.newest, &event) => last.count += 1,
                    _ => events.push(Repeated { newest: event, count: 1 }),
                }
            }
            _ => days.push(vec![Repeated { newest: event, count: 1 }]),
        }
    }
    days
}

fn is_repetition(a: &ActivityEvent, b: &ActivityEvent) -> bool {
    (a.kind, &a.device, &a.address) == (b.kind, &b.device, &b.address)
}

fn row(Repeated { newest: event, count }: Repeated, now: Timestamp) -> AnyView {
    let is_warning = event.kind.severity() == EventSeverity::Warning;
    let (which, tone) = if is_warning {
        (Icon::Warning, Tone::Attention)
    } else {
        (topic_icon(event.kind.topic()), Tone::Neutral)
    };
    let device = crate::messages::device(event.device.as_deref());
    let address = event.address.map(|address| format!(" · {address}"));
    let is_reportable = event.kind == EventKind::LoggedIn && now.since(event.at) < REPORTABLE;
    let report = is_reportable.then(|| {
        let href = format!("{}?{}", routes::PASSWORD.path, routes::REPORT);
        view! {
            " "
            <span class="nowrap">"· " <a href=href>{messages::NOT_ME.text()}</a></span>
        }
    });
    view! {
        <li data-part="row">
            {icon_box(which, tone)}
            <p class="activity-event">
                {event.kind.message().text()} {(count > 1).then(|| times(count))}
            </p>
            <TimeOfDay at=event.at/>
            <p class="text-muted text-small">{device} {address} {report}</p>
        </li>
    }
    .into_any()
}

fn times(count: usize) -> impl IntoView {
    view! { <span class="text-muted">{messages::times(count)}</span> }
}

/// Returns the icon of an event about this topic.
const fn topic_icon(topic: EventTopic) -> Icon {
    match topic {
        EventTopic::LogIn => Icon::LogIn,
        EventTopic::LogOut => Icon::LogOut,
        EventTopic::Password => Icon::Lock,
        EventTopic::Email => Icon::Mail,
        EventTopic::Account => Icon::User,
        EventTopic::Deletion => Icon::Trash,
        EventTopic::Security => Icon::Shield,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, at: i64, device: &str) -> ActivityEvent {
        ActivityEvent {
            id: "01a2047d-26b7-7cc2-a9f3-f72c81007abe".parse().expect("an id"),
            kind,
            at: Timestamp(at),
            device: Some(device.to_owned()),
            address: None,
        }
    }

    #[test]
    fn events_are_grouped_by_day_and_equal_ones_in_a_row_are_one() {
        const DAY: i64 = 86_400_000;
        let events = vec![
            event(EventKind::LogInFailed, 2 * DAY + 2, "curl"),
            event(EventKind::LogInFailed, 2 * DAY + 1, "curl"),
            event(EventKind::LogInFailed, 2 * DAY, "Go"),
            event(EventKind::LogInFailed, 2 * DAY - 1, "Go"),
            event(EventKind::LoggedIn, DAY + 1, "Go"),
            event(EventKind::LogInFailed, DAY, "Go"),
        ];
        let counts: Vec<Vec<usize>> = days(events)
            .iter()
            .map(|events| events.iter().map(|event| event.count).collect())
            .collect();
        assert_eq!(counts, [vec![2, 1], vec![1, 1, 1]]);
        assert!(days(Vec::new()).is_empty());
    }
    #[test]
    fn links_keep_the_filter_and_name_it_unless_it_is_the_default() {
        assert_eq!(href(ActivityFilter::All, None), "/account/activity");
        assert_eq!(href(ActivityFilter::All, Some("x")), "/account/activity?cursor=x");
        assert_eq!(href(ActivityFilter::LogIns, None), "/account/activity?show=log-ins");
        assert_eq!(
            href(ActivityFilter::Warnings, Some("x")),
            "/account/activity?show=warnings&cursor=x"
        );
    }
}
