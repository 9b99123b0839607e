//! (server) The sessions page: a list of sessions, which the user can revoke.

use super::{RevokeSessionCall, list_sessions, messages};
use crate::{
    layout::account_layout::{account_page, load_error},
    page_query, routes,
    ui::{
        Card, Date, Dialog, Icon, List, Notice, PostButton, RelativeTime, Severity, Tone, icon_box,
        interpolate, problem_notice,
    },
};
use countersign_types::{
    Timestamp,
    views::{SessionInfo, SessionList},
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn SessionsPage() -> impl IntoView {
    account_page(routes::SESSIONS, messages::LEAD.text(), async |tagged| {
        let notice = page_query::value(routes::SAVED).map(|which| {
            let message = if which == "others" {
                messages::OTHERS_ENDED.text()
            } else {
                messages::ENDED.text()
            };
            view! {
                <Notice severity=Severity::Info>
                    <p>{message}</p>
                </Notice>
            }
        });
        let content = match list_sessions().await {
            Ok(sessions) => list(sessions, &tagged.session_tag).into_any(),
            Err(error) => load_error(error.into()),
        };
        view! {
            {page_query::form_problem(RevokeSessionCall::PATH).map(problem_notice)}
            {notice}
            {content}
        }
        .into_any()
    })
}

fn list(sessions: SessionList, tag: &str) -> impl IntoView + use<> {
    let SessionList { as_of, mut items } = sessions;
    // The current session first, then by last use.
    items.sort_by_key(|session| (!session.current, std::cmp::Reverse(session.last_seen_at)));
    let has_others = items.len() > 1;
    let rows = items.into_iter().map(|session| row(session, as_of, tag)).collect();
    let end_others = has_others.then(|| end_others(tag.to_owned()).into_any());
    view! {
        <Card title=messages::LIST_TITLE.text() action=end_others>
            <List class="session-list" rows/>
        </Card>
        // Buttons that remove their row write the result here.
        <p id="result" class="text-muted" role="status">
            {(!has_others).then_some(messages::NO_OTHER_SESSIONS.text())}
        </p>
    }
}

fn end_others(tag: String) -> impl IntoView {
    view! {
        <Dialog
            id="others"
            button_label=messages::END_OTHERS.text()
            title=messages::END_OTHERS_TITLE.text()
            description=messages::END_OTHERS_HELP.text()
        >
            <PostButton
                path=RevokeSessionCall::PATH
                fields=vec![("session_tag", tag)]
                label=messages::END_OTHERS.text()
                primary=true
            />
        </Dialog>
    }
}

fn row(session: SessionInfo, as_of: Timestamp, tag: &str) -> AnyView {
    let id = session.id.to_string();
    let device = crate::messages::device(session.device.as_deref());
    let address = session.address.map(|address| format!(" · {address}"));
    let (tone, badge, control) = if session.current {
        let badge = view! {
            <span class="badge" data-part="badge">
                {messages::CURRENT_SESSION.text()}
            </span>
        };
        (Tone::Accent, Some(badge), None)
    } else {
        let control = view! {
            <PostButton
                path=RevokeSessionCall::PATH
                fields=vec![("session", id.clone()), ("session_tag", tag.to_owned())]
                label=crate::messages::LOG_OUT.text()
                described_by=id.clone()
                when_done=messages::ended(&device)
            />
        };
        (Tone::Neutral, None, Some(control))
    };
    let since = interpolate(messages::SINCE, view! { <Date at=session.created_at/> });
    view! {
        <li data-part="row" data-current=session.current.then_some("")>
            {icon_box(device_icon(session.device.as_deref()), tone)}
            <p class="session-device">
                <span id=id>{device}</span>
                " "
                {badge}
            </p>
            <p class="text-muted text-small">
                <RelativeTime at=session.last_seen_at as_of/>
                {address}
                " · "
                <span class="nowrap">{since}</span>
            </p>
            {control}
        </li>
    }
    .into_any()
}

/// Returns the icon of a device. `core/src/user_agent.rs` has the names of systems.
fn device_icon(name: Option<&str>) -> Icon {
    /// Systems by the end of the name of a device.
    const ICONS: [(&str, Icon); 7] = [
        ("iPhone", Icon::Phone),
        ("iPad", Icon::Phone),
        ("Android", Icon::Phone),
        ("Windows", Icon::Laptop),
        ("macOS", Icon::Laptop),
        ("Linux", Icon::Laptop),
        ("ChromeOS", Icon::Laptop),
    ];
    let Some(name) = name else { return Icon::Device };
    ICONS
        .into_iter()
        .find_map(|(system, icon)| name.ends_with(system).then_some(icon))
        .unwrap_or(Icon::Terminal)
}
