//! The action of a form: reads its fields, validates them, calls the server function and keeps the
//! result. One type for all forms: Leptos compiles an action for each server function, about 3 KB
//! for every visitor.

use crate::{
    browser::connection::ConnectionStatus, routes, server_fn_error::ServerFnProblem,
    ui::form_values::FormValues,
};
use countersign_types::{FieldErrors, Problem};
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_router::hooks::use_location;
use std::{pin::Pin, sync::Arc};

type Response = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

/// The action of a form. Create it in the page with [`form_action`] and pass it to a
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
    call: Arc<dyn Fn(&FormValues) -> Response + Send + Sync>,
}

/// Creates an action: `read` creates the call from the fields, `check` validates it, and
/// `on_success` gets the result.
///
/// Its initial outcome is the problem of a plain form in the query, so that both ways show the same
/// messages.
pub fn form_action<Call>(
    read: fn(&FormValues) -> Call,
    check: fn(&Call) -> FieldErrors,
    on_success: impl Fn(Call::Output) + Send + Sync + 'static,
) -> FormAction
where
    Call: ServerFn<Error = ServerFnProblem> + 'static,
{
    let on_success = Arc::new(on_success);
    let call = move |fields: &FormValues| -> Response {
        let (call, on_success) = (read(fields), on_success.clone());
        Box::pin(async move {
            let output = call.run_on_client().await.map_err(Problem::from)?;
            on_success(output);
            Ok(())
        })
    };
    create(
        Call::PATH,
        Handlers { check: Arc::new(move |fields| check(&read(fields))), call: Arc::new(call) },
    )
}

fn create(path: &'static str, handlers: Handlers) -> FormAction {
    let outcome = RwSignal::new(error_from_query(path).map(Err));
    if let Some(status) = use_context::<ConnectionStatus>() {
        // The error is obsolete once the server is reachable again.
        status.on_return(move || {
            if matches!(
                outcome.try_get_untracked(),
                Some(Some(Err(Problem::Offline | Problem::Unavailable)))
            ) {
                outcome.try_set(None);
            }
        });
    }
    FormAction {
        path,
        outcome,
        working: RwSignal::new(false),
        handlers: StoredValue::new(handlers),
        navigates: false,
    }
}

/// Returns the problem of a plain form that was posted to the server function at `path`, from the
/// query of this page.
pub fn error_from_query(path: &str) -> Option<Problem> {
    use_location().query.with_untracked(|query| {
        let error = query
            .get_str(routes::ERROR)
            .filter(|_| query.get_str(routes::FAILED_FUNCTION) == Some(path))?;
        // A query may contain any text.
        Some(error.parse().unwrap_or(Problem::BadRequest))
    })
}

// Signals are accessed with `try_…`. A form that is being replaced, because its data is loaded
// again, may receive its result after its signals are disposed.
impl FormAction {
    /// Creates an action that never completes, for the component gallery.
    #[cfg(debug_assertions)]
    pub fn always_pending() -> Self {
        create(
            "/lab",
            Handlers {
                check: Arc::new(|_| FieldErrors::default()),
                call: Arc::new(|_| Box::pin(std::future::pending())),
            },
        )
    }

    /// Creates an action that has failed, for the component gallery.
    #[cfg(debug_assertions)]
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

    /// Returns whether the form is being sent.
    pub fn is_working(self) -> bool {
        self.working.try_get().unwrap_or_default()
    }

    /// Returns why the last attempt failed.
    pub fn problem(self) -> Option<Problem> {
        self.outcome.try_with(|outcome| outcome.as_ref()?.as_ref().err().cloned()).flatten()
    }

    /// Returns whether the last attempt succeeded, or `None` if there was none.
    pub fn was_accepted(self) -> Option<bool> {
        self.outcome.try_with(|outcome| outcome.as_ref().map(Result::is_ok)).flatten()
    }

    pub(super) fn check(self, fields: &FormValues) -> FieldErrors {
        self.handlers.try_with_value(|handlers| (handlers.check)(fields)).unwrap_or_default()
    }

    /// Sends the form. The caller ensures that it isn't being sent already.
    pub(super) fn send(self, fields: &FormValues) {
        let Some(response) = self.handlers.try_with_value(|handlers| (handlers.call)(fields))
        else {
            return;
        };
        self.clear_success();
        self.working.try_set(true);
        spawn_local(async move {
            let outcome = response.await;
            if outcome.is_err() || !self.navigates {
                self.working.try_set(false);
            }
            self.outcome.try_set(Some(outcome));
        });
    }
}
