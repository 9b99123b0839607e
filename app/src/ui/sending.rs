//! Sending a form: what is read out of its fields, what may be wrong with that, and what comes of
//! it. One type for all forms: an action of Leptos is compiled anew for each server function, which
//! is some 3 KB for every visitor.

use super::form::Fields;
use crate::{address, connection::Connected, problem::Problem};
use countersign_types::Faults;
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_router::hooks::use_location;
use std::{pin::Pin, sync::Arc};

type Answer = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

/// A form that can be sent: make one in the page, by [`sending`], and give it to a [`super::Form`].
#[derive(Clone, Copy)]
pub struct Sending {
    /// Where a plain form is sent.
    pub(super) path: &'static str,
    outcome: RwSignal<Option<Result<(), Problem>>>,
    working: RwSignal<bool>,
    does: StoredValue<Does>,
    leads_on: bool,
}

#[derive(Clone)]
struct Does {
    check: Arc<dyn Fn(&Fields) -> Faults + Send + Sync>,
    call: Arc<dyn Fn(&Fields) -> Answer + Send + Sync>,
}

/// Calls a server function with what `read` makes of the fields, if `check` finds nothing wrong
/// with it, and hands what it answers to `done`. It starts with the problem that a plain form has
/// left in the address, so both ways end in the same words.
pub fn sending<Call>(
    read: fn(&Fields) -> Call,
    check: fn(&Call) -> Faults,
    done: impl Fn(Call::Output) + Send + Sync + 'static,
) -> Sending
where
    Call: ServerFn<Error = Problem> + 'static,
{
    let done = Arc::new(done);
    let call = move |fields: &Fields| -> Answer {
        let (call, done) = (read(fields), done.clone());
        Box::pin(async move { call.run_on_client().await.map(|answer| done(answer)) })
    };
    make(
        Call::PATH,
        Does { check: Arc::new(move |fields| check(&read(fields))), call: Arc::new(call) },
    )
}

fn make(path: &'static str, does: Does) -> Sending {
    let outcome = RwSignal::new(refused(path).map(Err));
    if let Some(connected) = use_context::<Connected>() {
        // What the matter was is so no more.
        connected.on_return(move || {
            if matches!(
                outcome.try_get_untracked(),
                Some(Some(Err(Problem::Offline | Problem::Unavailable)))
            ) {
                outcome.try_set(None);
            }
        });
    }
    Sending {
        path,
        outcome,
        working: RwSignal::new(false),
        does: StoredValue::new(does),
        leads_on: false,
    }
}

/// Why a plain form was refused that was sent to the function at `path`, as the address of this
/// page says it.
pub fn refused(path: &str) -> Option<Problem> {
    use_location().query.with_untracked(|query| {
        let error = query
            .get_str(address::PROBLEM)
            .filter(|_| query.get_str(address::PATH) == Some(path))?;
        // Anybody can write anything there.
        Some(error.parse().unwrap_or(Problem::BadRequest))
    })
}

// Read with `try_…`: a form that is about to be replaced, because what it was made for is being
// read again, may be told of its answer when its own signals are gone already.
impl Sending {
    /// Nothing ever comes of it: for whoever wants to look at a form at work.
    #[cfg(debug_assertions)]
    pub fn unanswered() -> Self {
        make(
            "/lab",
            Does {
                check: Arc::new(|_| Faults::default()),
                call: Arc::new(|_| Box::pin(std::future::pending())),
            },
        )
    }

    /// It has come to nothing, for the same.
    #[cfg(debug_assertions)]
    pub fn refused(problem: Problem) -> Self {
        let sending = Self::unanswered();
        sending.outcome.set(Some(Err(problem)));
        sending
    }

    /// The same, but whoever was accepted goes on to another page: it is at work until that is
    /// there.
    #[must_use]
    pub const fn that_leads_on(self) -> Self {
        Self { leads_on: true, ..self }
    }

    /// What was accepted is of earlier: somebody is typing, or sends again.
    pub(super) fn is_past(self) {
        if untrack(|| self.was_accepted()) == Some(true) {
            self.outcome.try_set(None);
        }
    }

    /// Whether it has been sent, and there is no answer yet.
    pub fn is_working(self) -> bool {
        self.working.try_get().unwrap_or_default()
    }

    /// Why the last attempt came to nothing.
    pub fn problem(self) -> Option<Problem> {
        self.outcome.try_with(|outcome| outcome.as_ref()?.as_ref().err().cloned()).flatten()
    }

    /// Whether the last attempt was accepted; `None`: there was none.
    pub fn was_accepted(self) -> Option<bool> {
        self.outcome.try_with(|outcome| outcome.as_ref().map(Result::is_ok)).flatten()
    }

    pub(super) fn check(self, fields: &Fields) -> Faults {
        self.does.try_with_value(|does| (does.check)(fields)).unwrap_or_default()
    }

    /// Nothing is sent twice at a time.
    pub(super) fn send(self, fields: &Fields) {
        let Some(answer) = self.does.try_with_value(|does| (does.call)(fields)) else { return };
        self.is_past();
        self.working.try_set(true);
        spawn_local(async move {
            let outcome = answer.await;
            if outcome.is_err() || !self.leads_on {
                self.working.try_set(false);
            }
            self.outcome.try_set(Some(outcome));
        });
    }
}
