//! The sessions: where somebody is signed in, and the way out from there.

use super::account::{AccountPage, LogInFirst};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::{EndSessionCall, my_sessions},
    known::Known,
    problem::Problem,
    ui::{Notice, Press, Tone, Trouble, When, awaited, loading, problem_notice, refused},
    who::Who,
    words,
};
use contract::view::SessionView;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn SessionsPage() -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let sessions = Known::new(move || (who.version(), None), |_| my_sessions());
    let done = query.with_untracked(|query| query.get_str(address::SAVED).is_some());
    view! {
        <Title text=words::sessions::PAGE/>
        <AccountPage path="/account/sessions">
            <h1>{words::sessions::HEADING}</h1>
            <p class="soft">{words::sessions::LEAD}</p>
            {refused(EndSessionCall::PATH).map(problem_notice)}
            {done.then(|| view! { <Notice tone=Tone::News><p>{words::sessions::DONE}</p></Notice> })}
            {awaited(loading, move || async move {
                match (who.account.get().await, sessions.get().await) {
                    (Ok(account), Ok(sessions)) => list(sessions, &account.tag),
                    (Err(Problem::SignedOut), _) | (_, Err(Problem::SignedOut)) => view! { <LogInFirst/> }.solid(),
                    (Err(problem), _) | (_, Err(problem)) => view! { <Trouble problem again=Box::new(move || sessions.read_again())/> }.solid(),
                }
            })}
        </AccountPage>
    }
}

fn list(mut sessions: Vec<SessionView>, tag: &str) -> AnyView {
    // The one that asks first, then by last use.
    sessions.sort_by_key(|session| (!session.current, std::cmp::Reverse(session.last_seen_at)));
    let others = sessions.len() > 1;
    let rows = sessions.into_iter().map(|session| row(session, tag)).collect_view();
    let tag = tag.to_owned();
    view! {
        <ul class="sessions">{rows}</ul>
        {others.then(|| view! { <Press path=EndSessionCall::PATH fields=vec![("tag", tag)] label=words::sessions::END_OTHERS/> })}
    }
    .solid()
}

fn row(session: SessionView, tag: &str) -> AnyView {
    let id = session.id.to_string();
    let device = session.device.unwrap_or_else(|| words::activity::UNKNOWN_DEVICE.to_owned());
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
            <p class="soft small">{words::sessions::LAST_USED} <When at=session.last_seen_at/> {from}</p>
            {end}
        </li>
    }
    .solid()
}
