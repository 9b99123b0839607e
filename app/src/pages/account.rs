//! What the pages of the account share: the navigation beside them, their head, what their owner
//! must know on each of them, and what they show when what they are for cannot be had.

use super::{door::link, later::PAGES};
use crate::solid::IntoSolid;
use crate::{
    address,
    api::{DismissNoticeCall, KeepAccountCall},
    known::{Known, Readable},
    problem::Problem,
    ui::{
        Day, Notice, PageHead, Press, SideNav, Tone, Trouble, When, awaited, loading, nothing,
        problem_notice, refused, said,
    },
    who::Who,
    words,
};
use countersign_types::{Timestamp, view::Account};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

/// A page of the account. `path`: which of them; `heading` and `lead` are those of [`PageHead`].
#[component]
pub fn AccountPage(
    path: &'static str,
    heading: &'static str,
    #[prop(optional)] lead: &'static str,
    children: crate::solid::SolidChildren,
) -> impl IntoView {
    let (who, query) = (expect_context::<Who>(), use_query_map());
    let kept = query.with_untracked(|query| query.get_str(address::KEPT).is_some());
    view! {
        <div class="sidebar">
            <SideNav label=words::ACCOUNT_NAV pages=PAGES current=path/>
            <div class="stack">
                {awaited(nothing, move || async move { who.account.get().await.map_or_else(|_| nothing(), warnings) })}
                {refused(KeepAccountCall::PATH).or_else(|| refused(DismissNoticeCall::PATH)).map(problem_notice)}
                {kept.then(|| view! { <Notice tone=Tone::News><p>{words::data::KEPT}</p></Notice> })}
                <PageHead heading lead/>
                {children.view()}
            </div>
        </div>
    }
}

/// What nobody should overlook.
fn warnings(account: Account) -> AnyView {
    let Account { stolen_at, deletes_at, tag, .. } = account;
    let tag_of = tag.clone();
    view! { {stolen_at.map(|at| stolen(at, tag_of))} {deletes_at.map(|at| leaving(at, tag))} }
        .solid()
}

/// Told to the first session after it happened, until it is dismissed.
fn stolen(at: Timestamp, tag: String) -> AnyView {
    view! {
        <Notice tone=Tone::Problem>
            <p>{words::stolen::TITLE}</p>
            <p>{said(words::stolen::WHY, view! { <a href="/account/password">{words::stolen::CURE}</a> })}</p>
            <p class="small"><When at/></p>
            <Press path=DismissNoticeCall::PATH fields=vec![("tag", tag)] label=words::stolen::DISMISS/>
        </Notice>
    }
    .solid()
}

/// Until it is deleted, the way back is on every page.
fn leaving(at: Timestamp, tag: String) -> AnyView {
    view! {
        <Notice tone=Tone::Problem>
            <p>{said(words::leaving::ON, view! { <Day at/> })}</p>
            <p>{words::leaving::WAY_BACK}</p>
            <Press path=KeepAccountCall::PATH fields=vec![("tag", tag)] label=words::leaving::KEEP/>
        </Notice>
    }
    .solid()
}

/// Shows what is `known` once it is, and says why if it never will be.
pub(super) fn shown<T: Readable>(
    known: Known<T>,
    show: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView {
    awaited(loading, move || {
        let show = show.clone();
        async move {
            match known.get().await {
                Ok(it) => show(it),
                Err(problem) => instead(problem, move || known.read_again()),
            }
        }
    })
}

/// In the place of what could not be had.
pub(super) fn instead(problem: Problem, again: impl Fn() + Send + 'static) -> AnyView {
    match problem {
        Problem::SignedOut => view! { <LogInFirst/> }.solid(),
        problem => view! { <Trouble problem again=Box::new(again)/> }.solid(),
    }
}

/// In the place of what only its owner may see. The server sends strangers away before anything is
/// rendered; this is for those who come by a link inside the app. Whoever was logged in until now
/// is led out by [`crate::who`] instead, which says what has happened.
#[component]
fn LogInFirst() -> impl IntoView {
    let (who, location, navigate) = (expect_context::<Who>(), use_location(), use_navigate());
    let here = format!(
        "{}{}",
        location.pathname.get_untracked(),
        address::without_news(&location.search.get_untracked())
    );
    let to = link(address::LOG_IN, &here);
    let href = to.clone();
    Effect::new(move |_| {
        if matches!(who.account.now(), Some(Err(Problem::SignedOut))) {
            navigate(&to, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    view! {
        <p>{words::problem(&Problem::SignedOut)}</p>
        <a class="button" href=href>
            {words::LOG_IN}
        </a>
    }
}
