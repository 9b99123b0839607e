//! What is around every page: the header with its menu, log-out, and why nothing happens.

use crate::solid::IntoSolid;
use crate::{
    address,
    api::{LogOutCall, log_out},
    browser,
    connection::{Connected, Connection},
    problem::Problem,
    ui::{Form, Menu, Notice, Sending, Submit, Tone, awaited, nothing, said, sending},
    who::Who,
    words,
};
use countersign_types::{Faults, view::Account};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// One for the log-out of the header and that of the profile, so that its failure is told in one
/// place that is always seen.
#[derive(Clone, Copy)]
struct LogOut {
    sending: Sending,
    /// Whether it failed and is tried again without being asked for.
    retrying: RwSignal<bool>,
}

/// Pauses before a log-out is tried again that the server could not carry out.
const RETRIES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];

/// Call it once, inside the router.
pub(super) fn provide_log_out() {
    let sending = sending(|_| LogOutCall {}, |_| Faults::default(), |()| ());
    let retrying = RwSignal::new(false);
    provide_context(LogOut { sending, retrying });
    Effect::new(move |rendered: Option<()>| {
        let failed = sending.problem().is_some_and(|problem| is_retried(&problem));
        // Not what the address says: a link by another site must log out no user.
        if rendered.is_some() && failed && !untrack(|| retrying.get()) {
            retrying.set(true);
            spawn_local(async move {
                for pause in RETRIES {
                    browser::pause(pause).await;
                    // Once it is done this page is left.
                    if log_out().await.is_ok() {
                        return;
                    }
                }
                retrying.try_set(false);
            });
        }
    });
}

/// Whether a log-out that failed so is worth another try.
const fn is_retried(problem: &Problem) -> bool {
    matches!(problem, Problem::Unavailable | Problem::Busy { .. } | Problem::Offline)
}

/// A button that ends the session. Where it leads is decided by [`crate::who`], or by the server
/// for a plain form.
#[component]
pub fn LogOutForm() -> impl IntoView {
    let LogOut { sending, .. } = expect_context();
    view! {
        <Form sending class="inline" silent=true>
            <Submit label=words::LOG_OUT working=words::LOGGING_OUT quiet=true/>
        </Form>
    }
}

/// Why somebody is still logged in who did not want to be.
#[component]
pub fn LogOutProblem() -> impl IntoView {
    let LogOut { sending, retrying } = expect_context();
    move || {
        sending.problem().map(|problem| {
            view! {
                <Notice tone=Tone::Problem>
                    <p>{words::STILL_LOGGED_IN}</p>
                    <p>{words::in_short(&problem)}</p>
                    {move || retrying.get().then(|| view! { <p>{words::LOG_OUT_IS_RETRIED}</p> })}
                </Notice>
            }
        })
    }
}

/// Why nothing happens just now, and that nobody needs to do anything about it. It lies over the
/// page, so that nothing moves.
#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let connected = expect_context::<Connected>();
    view! {
        <p class="connection" role="status" data-shown=move || (connected.get() != Connection::Fine).then_some("")>
            {move || words::connection(connected.get())}
        </p>
    }
}

/// The bar at the top.
#[component]
pub fn Header() -> impl IntoView {
    let who = expect_context::<Who>();
    view! {
        <header class="bar cluster">
            <a class="wordmark" href="/">
                {words::PRODUCT}
            </a>
            <nav class="bar-links cluster" aria-label=words::HEADER_NAV>
                {awaited(nothing, move || async move {
                    match who.account.get().await {
                        Ok(account) => menu(account),
                        Err(Problem::SignedOut) => doors(),
                        // It cannot be told who this is.
                        Err(_) => view! { <a href=countersign_types::next::HOME>{words::ACCOUNT}</a> }.solid(),
                    }
                })}
            </nav>
        </header>
    }
}

fn doors() -> AnyView {
    view! {
        <a href=address::LOG_IN>{words::LOG_IN}</a>
        <a class="button quiet" href=address::SIGN_UP>
            {words::SIGN_UP}
        </a>
    }
    .solid()
}

fn menu(account: Account) -> AnyView {
    let name = account.name.unwrap_or_else(|| account.email.clone());
    view! {
        <Menu id="menu" label=name>
            <p class="menu-who">{said(words::LOGGED_IN_AS, view! { <strong>{account.email}</strong> })}</p>
            <a href="/account">{words::profile::HEADING}</a>
            <a href="/account/sessions">{words::sessions::HEADING}</a>
            <a href="/account/activity">{words::activity::HEADING}</a>
            <LogOutForm/>
        </Menu>
    }
    .solid()
}
