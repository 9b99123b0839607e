//! The buttons that log out, and the message that a log-out failed.

use super::LogOutCall;
use crate::{
    browser,
    browser::server_fn_client::call,
    messages,
    ui::{Form, FormAction, Notice, Severity, SubmitButton, form_action},
};
use countersign_types::{FieldErrors, Problem};
use leptos::{prelude::*, task::spawn_local};
use std::{cell::Cell, time::Duration};

/// The log-out action. All islands of a page share it, so that its failure is shown in one place,
/// which is always visible.
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

thread_local! {
    /// (browser) The state of this page.
    static STATE: Cell<Option<LogOutState>> = const { Cell::new(None) };
}

impl LogOutState {
    /// Returns the state of the page. On the server, where it never changes, each island has its
    /// own.
    fn of_page() -> Self {
        if cfg!(feature = "ssr") {
            return Self::new();
        }
        STATE.get().unwrap_or_else(|| {
            let state = Self::new();
            STATE.set(Some(state));
            state
        })
    }

    fn new() -> Self {
        let action = form_action(|_| LogOutCall {}, |_| FieldErrors::default(), |()| ());
        let is_retrying = RwSignal::new(false);
        Effect::new(move |rendered: Option<()>| {
            let failed = action.problem().is_some_and(|problem| is_retried(&problem));
            // Not for a problem in the query: a link of another site must not log the user out.
            if rendered.is_some() && failed && !untrack(|| is_retrying.get()) {
                is_retrying.set(true);
                spawn_local(async move {
                    for delay in RETRY_DELAYS {
                        browser::sleep(delay).await;
                        // A successful log-out leaves this page.
                        if call::<LogOutCall>().await.is_ok() {
                            return;
                        }
                    }
                    is_retrying.try_set(false);
                });
            }
        });
        Self { action, is_retrying }
    }
}

/// Returns whether a log-out that failed with this problem is retried.
const fn is_retried(problem: &Problem) -> bool {
    matches!(problem, Problem::Unavailable | Problem::Overloaded { .. } | Problem::Offline)
}

/// A button that logs out. [`crate::layout::session_monitor`] chooses the next page; for a plain
/// form the server does.
#[island]
pub fn LogOutForm() -> impl IntoView {
    let LogOutState { action, .. } = LogOutState::of_page();
    view! {
        <Form action silent=true>
            <SubmitButton
                label=messages::LOG_OUT.text()
                busy_label=messages::LOGGING_OUT.text()
                secondary=true
            />
        </Form>
    }
}

/// The notice of a failed log-out.
#[island]
pub fn LogOutProblem() -> impl IntoView {
    let LogOutState { action, is_retrying } = LogOutState::of_page();
    move || {
        action.problem().map(|problem| {
            let retrying = move || {
                is_retrying.get().then(|| view! { <p>{messages::LOG_OUT_IS_RETRIED.text()}</p> })
            };
            view! {
                <Notice severity=Severity::Error>
                    <p>{messages::STILL_LOGGED_IN.text()}</p>
                    <p>{problem.summary()}</p>
                    {retrying}
                </Notice>
            }
        })
    }
}
