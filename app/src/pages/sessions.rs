//! The sessions: where somebody is signed in, and the way out from there.

use super::account::{AccountPage, instead};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::{EndSessionCall, my_sessions},
    known::Known,
    ui::{
        Ago, Day, Dialog, List, Notice, Press, Tone, awaited, loading, problem_notice, refused,
        said,
    },
    who::Who,
    words,
};
use countersign_types::{
    Timestamp,
    view::{SessionView, Sessions},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

#[component]
pub fn SessionsPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let sessions = Known::new(move || (who.version(), None), |_| my_sessions());
    let ended = query.with_untracked(|query| {
        query.get_str(address::SAVED).map(|which| {
            if which == "others" { words::sessions::OTHERS_ENDED } else { words::sessions::ENDED }
        })
    });
    view! {
        <AccountPage path="/account/sessions" heading=words::sessions::HEADING lead=words::sessions::LEAD>
            {refused(EndSessionCall::PATH).map(problem_notice)}
            {ended.map(|ended| view! { <Notice tone=Tone::News><p>{ended}</p></Notice> })}
            {awaited(loading, move || async move {
                match (who.account.get().await, sessions.get().await) {
                    (Ok(account), Ok(sessions)) => list(sessions, &account.tag),
                    (Err(problem), _) | (_, Err(problem)) => instead(problem, move || who.changed()),
                }
            })}
        </AccountPage>
    }
}

fn list(sessions: Sessions, tag: &str) -> AnyView {
    let Sessions { as_of, mut items } = sessions;
    // The one that asks first, then by last use.
    items.sort_by_key(|session| (!session.current, std::cmp::Reverse(session.last_seen_at)));
    let others = items.len() > 1;
    let rows = items.into_iter().map(|session| row(session, as_of, tag)).collect();
    let fields = vec![("tag", tag.to_owned())];
    view! {
        <List class="sessions" rows/>
        {if others {
            view! {
                <Dialog id="others" opener=words::sessions::END_OTHERS title=words::sessions::END_OTHERS_TITLE means=words::sessions::END_OTHERS_MEANS>
                    <Press path=EndSessionCall::PATH fields label=words::sessions::END_OTHERS loud=true/>
                </Dialog>
            }
            .solid()
        } else {
            view! { <p class="soft">{words::sessions::ALONE}</p> }.solid()
        }}
    }
    .solid()
}

fn row(session: SessionView, as_of: Timestamp, tag: &str) -> AnyView {
    let id = session.id.to_string();
    let device = words::device(session.device.as_deref());
    let from = session.address.map(|address| format!(" · {address}"));
    let end = if session.current {
        view! { <span class="badge">{words::sessions::THIS}</span> }.solid()
    } else {
        let fields = vec![("session", id.clone()), ("tag", tag.to_owned())];
        view! { <Press path=EndSessionCall::PATH fields label=words::LOG_OUT described_by=id.clone()/> }.solid()
    };
    view! {
        <li>
            <p id=id class="session-device">{device}</p>
            <p class="soft small"><Ago at=session.last_seen_at as_of/> {from} " · " <span class="unbroken">{said(words::sessions::SINCE, view! { <Day at=session.created_at/> })}</span></p>
            {end}
        </li>
    }
    .solid()
}
