//! The action of a form: reads its fields, validates them, calls the server function and keeps the
//! result. One type for all forms: Leptos compiles an action for each server function, about 3 KB
//! for every visitor.
//!
//! A form that the server refuses because of a rate limit or too much load is sent again by itself
//! after the time that the server asks for. The server has done nothing then. After any other
//! failure it may have.
//!
//! A form that the user sends without a network waits for some minutes, and is sent once when the
//! server is reachable again. Nothing was sent before then, so nothing can be done twice.

use crate::{
    browser,
    browser::{
        connection,
        js_json::FromJs,
        server_fn_client::{BufferedResponse, FormClient, post_form},
    },
    page_query,
    server_fn_error::ServerFnProblem,
    ui::{countdown, form_values::FormValues},
};
use countersign_types::{FieldErrors, Problem, TimeSpan, Timestamp};
use futures::{FutureExt, future::LocalBoxFuture};
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use std::{cell::RefCell, sync::Arc};

/// The longest wait in seconds after which a form is sent again by itself.
const MAX_RETRY_SECONDS: u32 = 60;
/// The longest time for which a form waits for the network.
const MAX_NETWORK_WAIT: TimeSpan = TimeSpan::minutes(5);
/// How often a form is sent again by itself.
const MAX_RETRIES: u32 = 3;

thread_local! {
    /// The form of this page that waits for the network.
    static WAITING: RefCell<Option<WaitingForm>> = const { RefCell::new(None) };
}

/// A form that waits for the network.
pub(super) struct WaitingForm {
    action: FormAction,
    fields: FormValues,
    since: Timestamp,
}

type Response = LocalBoxFuture<'static, Result<BufferedResponse, Problem>>;

/// The action of a form. Create it in the island with [`form_action`] and pass it to a
/// [`crate::ui::Form`].
#[derive(Clone, Copy)]
pub struct FormAction {
    /// The path of the server function, to which a plain form is posted.
    pub(super) path: &'static str,
    outcome: RwSignal<Option<Result<(), Problem>>>,
    working: RwSignal<bool>,
    handlers: StoredValue<Handlers>,
    navigates: bool,
}

#[derive(Clone)]
struct Handlers {
    check: Arc<dyn Fn(&FormValues) -> FieldErrors + Send + Sync>,
    send: fn(&FormValues) -> Response,
    on_response: Arc<dyn Fn(BufferedResponse) -> Result<(), Problem> + Send + Sync>,
}

/// Creates an action: `read` creates the call from the fields, `check` validates it, and
/// `on_success` gets the result. The form is sent as it is, like a plain form.
///
/// Its initial outcome is the problem of a plain form in the query, so that both ways show the same
/// messages.
pub fn form_action<Call>(
    read: fn(&FormValues) -> Call,
    check: fn(&Call) -> FieldErrors,
    on_success: impl Fn(Call::Output) + Send + Sync + 'static,
) -> FormAction
where
    Call: ServerFn<Error = ServerFnProblem, Client: FormClient, Output: FromJs> + 'static,
{
    let handlers = Handlers {
        check: Arc::new(move |fields| check(&read(fields))),
        send: |form| post_form::<Call::Client>(Call::PATH, form.encode()).boxed_local(),
        on_response: Arc::new(move |response| response.decode().map(&on_success)),
    };
    create(Call::PATH, handlers)
}

fn create(path: &'static str, handlers: Handlers) -> FormAction {
    let action = FormAction {
        path,
        outcome: RwSignal::new(page_query::form_problem(path).map(Err)),
        working: RwSignal::new(false),
        handlers: StoredValue::new(handlers),
        navigates: false,
    };
    // The error is obsolete once the server is reachable again.
    connection::on_return(move || {
        if let Some(Problem::Offline | Problem::Unavailable) = untrack(|| action.problem()) {
            action.outcome.try_set(None);
        }
    });
    action
}

// Signals are accessed with `try_…`. A form that is replaced by a message may receive its result
// after its signals are disposed.
impl FormAction {
    /// Creates an action that never completes, for the component gallery.
    #[cfg(any(debug_assertions, feature = "ssr"))]
    pub fn always_pending() -> Self {
        create(
            crate::routes::GALLERY,
            Handlers {
                check: Arc::new(|_| FieldErrors::default()),
                send: |_| std::future::pending().boxed_local(),
                on_response: Arc::new(|_| Ok(())),
            },
        )
    }

    /// Creates an action that has failed, for the component gallery.
    #[cfg(any(debug_assertions, feature = "ssr"))]
    pub fn always_failed(problem: Problem) -> Self {
        let action = Self::always_pending();
        action.outcome.set(Some(Err(problem)));
        action
    }

    /// Marks an action whose success leads to another page. It stays busy until that page is shown.
    #[must_use]
    pub const fn with_navigation(self) -> Self {
        Self { navigates: true, ..self }
    }

    /// Clears an earlier success when the user edits or sends the form again.
    pub(super) fn clear_success(self) {
        if untrack(|| self.was_accepted()) == Some(true) {
            self.outcome.try_set(None);
        }
    }

    /// Returns whether the form is being sent or waits for the network.
    pub fn is_working(self) -> bool {
        self.working.try_get().unwrap_or_default()
    }

    /// Returns why the last attempt failed.
    pub fn problem(self) -> Option<Problem> {
        self.outcome.try_with(|outcome| outcome.as_ref()?.as_ref().err().cloned()).flatten()
    }

    /// Returns whether the form is being sent because it waits for the network. It follows
    /// [`Self::is_working`], which changes at the same times.
    pub(super) fn is_waiting(self) -> bool {
        let is_this = |form: &WaitingForm| form.action.path == self.path;
        self.is_working() && WAITING.with_borrow(|form| form.as_ref().is_some_and(is_this))
    }

    /// Returns whether the last attempt succeeded, or `None` if there was none.
    pub fn was_accepted(self) -> Option<bool> {
        self.outcome.try_with(|outcome| outcome.as_ref().map(Result::is_ok)).flatten()
    }

    pub(super) fn check(self, fields: &FormValues) -> FieldErrors {
        self.handlers.try_with_value(|handlers| (handlers.check)(fields)).unwrap_or_default()
    }

    /// Sends the form. Without a network it waits until the server is reachable, unless the user
    /// types anything or follows a link before. The caller ensures that it isn't being sent
    /// already.
    pub(super) fn send_when_online(self, fields: FormValues) {
        stop_waiting();
        if browser::has_network() {
            return self.send(fields);
        }
        self.outcome.try_set(None);
        WAITING.set(Some(WaitingForm { action: self, fields, since: browser::now() }));
        self.working.try_set(true);
        connection::report_offline();
    }

    /// Sends the form, and again after a refusal, unless the user presses or types anything before.
    /// The caller ensures that it isn't being sent already.
    pub(super) fn send(self, fields: FormValues) {
        countdown::cancel();
        self.send_up_to(fields, MAX_RETRIES);
    }

    fn send_up_to(self, fields: FormValues, retries: u32) {
        let Some(Handlers { send, on_response, .. }) = self.handlers.try_get_value() else {
            return;
        };
        self.clear_success();
        self.working.try_set(true);
        spawn_local(async move {
            let outcome = send(&fields).await.and_then(|response| on_response(response));
            if outcome.is_err() || !self.navigates {
                self.working.try_set(false);
            }
            let delay = outcome.as_ref().err().and_then(retry_delay).filter(|_| retries > 0);
            self.outcome.try_set(Some(outcome));
            if let Some(seconds) = delay
                && countdown::count_down(self.path, seconds).await
                && !browser::is_leaving()
            {
                self.send_up_to(fields, retries - 1);
            }
        });
    }
}

/// Cancels the wait of the form that waits for the network, if there is one, and returns it.
pub(super) fn stop_waiting() -> Option<WaitingForm> {
    let form = WAITING.take()?;
    form.action.working.try_set(false);
    Some(form)
}

/// Sends the waiting form. Called when the server is reachable again. After a long time, and while
/// the page is in the background, it sends nothing: the user may have left the computer.
pub(super) fn send_waiting() {
    if let Some(WaitingForm { action, fields, since }) = stop_waiting()
        && browser::is_visible()
        && browser::now().since(since) <= MAX_NETWORK_WAIT
    {
        action.send(fields);
    }
}

/// Returns the seconds after which a form is sent again by itself, if it is after this problem.
fn retry_delay(problem: &Problem) -> Option<u32> {
    match *problem {
        Problem::RateLimited { retry_after } | Problem::Overloaded { retry_after }
            if retry_after <= MAX_RETRY_SECONDS =>
        {
            Some(retry_after.max(1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_with_a_short_wait_are_retried() {
        for (problem, delay) in [
            (Problem::RateLimited { retry_after: 60 }, Some(60)),
            (Problem::RateLimited { retry_after: 61 }, None),
            (Problem::Overloaded { retry_after: 0 }, Some(1)),
            (Problem::Overloaded { retry_after: u32::MAX }, None),
            // The server may have done what it was asked for.
            (Problem::Unavailable, None),
            (Problem::Offline, None),
            (Problem::internal(), None),
            (Problem::InvalidCredentials, None),
        ] {
            assert_eq!(retry_delay(&problem), delay, "{problem}");
        }
    }
}
