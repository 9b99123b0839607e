//! (server) The sessions page: a list of sessions, which the user can revoke.

use super::{RevokeSessionCall, list_sessions, messages};
use crate::{
    layout::account_layout::{account_page, load_error},
    page_query, routes,
    ui::{
        Date, Dialog, List, Notice, PostButton, RelativeTime, Severity, interpolate, problem_notice,
    },
};
use countersign_types::{
    Timestamp,
    views::{SessionInfo, SessionList},
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn SessionsPage() -> impl IntoView {
    account_page(routes::SESSIONS, messages::LEAD, async |tagged| {
        let notice = page_query::value(routes::SAVED).map(|which| {
            let message = if which == "others" { messages::OTHERS_ENDED } else { messages::ENDED };
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
    let fields = vec![("session_tag", tag.to_owned())];
    view! {
        <List class="session-list" rows/>
        {if has_others {
            view! {
                <Dialog
                    id="others"
                    button_label=messages::END_OTHERS
                    title=messages::END_OTHERS_TITLE
                    description=messages::END_OTHERS_HELP
                >
                    <PostButton
                        path=RevokeSessionCall::PATH
                        fields
                        label=messages::END_OTHERS
                        primary=true
                    />
                </Dialog>
            }
            .into_any()
        } else {
            let text = messages::NO_OTHER_SESSIONS;
            view! { <p class="text-muted">{text}</p> }.into_any()
        }}
    }
}

fn row(session: SessionInfo, as_of: Timestamp, tag: &str) -> AnyView {
    let id = session.id.to_string();
    let device = crate::messages::device(session.device.as_deref());
    let address = session.address.map(|address| format!(" · {address}"));
    let control = if session.current {
        view! { <span class="badge">{messages::CURRENT_SESSION}</span> }.into_any()
    } else {
        let fields = vec![("session", id.clone()), ("session_tag", tag.to_owned())];
        view! {
            <PostButton
                path=RevokeSessionCall::PATH
                fields
                label=crate::messages::LOG_OUT
                described_by=id.clone()
            />
        }
        .into_any()
    };
    let since = interpolate(messages::SINCE, view! { <Date at=session.created_at/> });
    view! {
        <li>
            <p id=id class="session-device">{device}</p>
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
