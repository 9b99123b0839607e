//! The layout of the site: header, user menu, log-out and connection status.

use crate::{
    browser,
    browser::connection::{Connection, ConnectionStatus},
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::log_out::{LogOutCall, log_out},
    messages, routes,
    ui::{
        Form, FormAction, Menu, Notice, Severity, SubmitButton, async_view, empty, form_action,
        interpolate,
    },
};
use countersign_types::{FieldErrors, Problem, views::Account};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// The log-out action. The forms in the site header and on the profile page share it, so that its
/// failure is shown in one place, which is always visible.
#[derive(Clone, Copy)]
struct LogOutState {
    action: FormAction,
    /// Whether a failed log-out is being retried automatically.
    is_retrying: RwSignal<bool>,
}

/// Delays before a failed log-out is retried.
const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];

/// Provides the log-out action. Called once, inside the router.
pub(crate) fn provide_log_out() {
    let action = form_action(|_| LogOutCall {}, |_| FieldErrors::default(), |()| ());
    let is_retrying = RwSignal::new(false);
    provide_context(LogOutState { action, is_retrying });
    Effect::new(move |rendered: Option<()>| {
        let failed = action.problem().is_some_and(|problem| is_retried(&problem));
        // Not for a problem in the query: a link of another site must not log the user out.
        if rendered.is_some() && failed && !untrack(|| is_retrying.get()) {
            is_retrying.set(true);
            spawn_local(async move {
                for delay in RETRY_DELAYS {
                    browser::sleep(delay).await;
                    // A successful log-out leaves this page.
                    if log_out().await.is_ok() {
                        return;
                    }
                }
                is_retrying.try_set(false);
            });
        }
    });
}

/// Returns whether a log-out that failed with this problem is retried.
const fn is_retried(problem: &Problem) -> bool {
    matches!(problem, Problem::Unavailable | Problem::Overloaded { .. } | Problem::Offline)
}

/// A button that logs out. [`crate::current_user`] chooses the next page; for a plain form the
/// server does.
#[component]
pub fn LogOutForm() -> impl IntoView {
    let LogOutState { action, .. } = expect_context();
    view! {
        <Form action class="button-inline" silent=true>
            <SubmitButton label=messages::LOG_OUT busy_label=messages::LOGGING_OUT secondary=true/>
        </Form>
    }
}

/// The notice of a failed log-out.
#[component]
pub fn LogOutProblem() -> impl IntoView {
    let LogOutState { action, is_retrying } = expect_context();
    move || {
        action.problem().map(|problem| {
            let retrying =
                move || is_retrying.get().then(|| view! { <p>{messages::LOG_OUT_IS_RETRIED}</p> });
            view! {
                <Notice severity=Severity::Error>
                    <p>{messages::STILL_LOGGED_IN}</p>
                    <p>{problem.summary()}</p>
                    {retrying}
                </Notice>
            }
        })
    }
}

/// The connection status while the server is unreachable. It overlays the page, so that nothing
/// moves.
#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let status = expect_context::<ConnectionStatus>();
    let is_shown = move || status.get() != Connection::Online;
    view! {
        <p class="connection-status" role="status" data-visible=move || is_shown().then_some("")>
            {move || messages::connection(status.get())}
        </p>
    }
}

/// The site header.
#[component]
pub fn SiteHeader() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let links = async_view(empty, move || async move {
        match user.account.get().await {
            Ok(tagged) => user_menu(tagged.account),
            Err(Problem::Unauthenticated) => auth_links(),
            // The user is unknown.
            Err(_) => {
                let href = countersign_types::redirect_path::DEFAULT_REDIRECT;
                view! { <a href=href>{messages::ACCOUNT}</a> }.into_eager_any()
            }
        }
    });
    view! {
        <header class="site-header cluster">
            <a class="wordmark" href="/">
                {messages::PRODUCT}
            </a>
            <nav class="site-nav cluster" aria-label=messages::HEADER_NAV>
                {links}
            </nav>
        </header>
    }
}

fn auth_links() -> AnyView {
    view! {
        <a href=routes::LOG_IN>{messages::LOG_IN}</a>
        <a class="button secondary" href=routes::SIGN_UP>
            {messages::SIGN_UP}
        </a>
    }
    .into_eager_any()
}

fn user_menu(account: Account) -> AnyView {
    let name = account.name.unwrap_or_else(|| account.email.clone());
    let email = view! { <strong>{account.email}</strong> };
    view! {
        <Menu id="menu" label=name>
            <p class="menu-user">{interpolate(messages::LOGGED_IN_AS, email)}</p>
            <a href="/account">{crate::features::profile::messages::HEADING}</a>
            <a href="/account/sessions">{crate::features::sessions::messages::HEADING}</a>
            <a href="/account/activity">{crate::features::activity::messages::HEADING}</a>
            <LogOutForm/>
        </Menu>
    }
    .into_eager_any()
}
