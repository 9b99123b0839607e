//! The sessions page: a list of sessions, which the user can revoke.

use super::messages;
use crate::{
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::sessions::{RevokeSessionCall, list_sessions},
    layout::account_layout::{AccountLayout, error_fallback},
    resource::PageResource,
    routes,
    ui::{
        Date, Dialog, List, Notice, PostButton, RelativeTime, Severity, async_view,
        error_from_query, interpolate, loading, problem_notice,
    },
};
use countersign_types::{
    Timestamp,
    views::{SessionInfo, SessionList},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

#[component]
pub fn SessionsPage() -> impl IntoView {
    let (user, query) = (expect_context::<CurrentUser>(), use_query_map());
    let sessions = PageResource::new(move || (user.version(), None), |_| list_sessions());
    let message = query.with_untracked(|query| {
        query
            .get_str(routes::SAVED)
            .map(|which| if which == "others" { messages::OTHERS_ENDED } else { messages::ENDED })
    });
    let notice = move |message| {
        view! {
            <Notice severity=Severity::Info>
                <p>{message}</p>
            </Notice>
        }
    };
    let content = move || async move {
        match (user.account.get().await, sessions.get().await) {
            (Ok(tagged), Ok(sessions)) => list(sessions, &tagged.session_tag),
            (Err(problem), _) | (_, Err(problem)) => error_fallback(problem, move || user.reload()),
        }
    };
    view! {
        <AccountLayout
            page=routes::SESSIONS
            lead=messages::LEAD
        >
            {error_from_query(RevokeSessionCall::PATH).map(problem_notice)}
            {message.map(notice)}
            {async_view(loading, content)}
        </AccountLayout>
    }
}

fn list(sessions: SessionList, tag: &str) -> AnyView {
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
            .into_eager_any()
        } else {
            let text = messages::NO_OTHER_SESSIONS;
            view! { <p class="text-muted">{text}</p> }.into_eager_any()
        }}
    }
    .into_eager_any()
}

fn row(session: SessionInfo, as_of: Timestamp, tag: &str) -> AnyView {
    let id = session.id.to_string();
    let device = crate::messages::device(session.device.as_deref());
    let address = session.address.map(|address| format!(" · {address}"));
    let control = if session.current {
        view! { <span class="badge">{messages::CURRENT_SESSION}</span> }.into_eager_any()
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
        .into_eager_any()
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
    .into_eager_any()
}
