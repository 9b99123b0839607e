//! (server) Between HTTP and the domain: who asks, with which credential, and how the outcome becomes an answer. The rules that decide are plain
//! functions in [`credential`], [`cookie`] and [`answer`], which the JSON API uses too. Only this module and what is below it knows `leptos_axum`.

pub mod answer;
mod call;
pub mod cookie;
pub mod credential;

pub use call::Call;

use crate::problem::Problem;
use http::{StatusCode, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// What the server puts into the context of every page render and every function call.
#[derive(Clone)]
pub struct Web {
    /// The domain.
    pub auth: auth::Auth,
    /// Whether people reach us by https: cookies are then `Secure` and their names say so.
    pub secure: bool,
}

/// Why a function was not carried out: the domain's reason, or one of HTTP's own.
#[derive(Debug)]
pub enum Refusal {
    /// The domain's; its cause is for the log.
    Domain(auth::Error),
    /// Decided here.
    Problem(Problem),
}

impl From<auth::Error> for Refusal {
    fn from(error: auth::Error) -> Self {
        Self::Domain(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Carries out one server function, wherever it was called from: by a script, by a plain form, or while a page is rendered.
pub async fn run<T>(work: impl AsyncFnOnce(&Call) -> Result<T, Refusal>) -> Result<T, Problem> {
    let Some(call) = Call::from_context() else {
        tracing::error!("a server function ran outside a request, or the server did not provide edge::Web or auth::Client");
        return Err(Problem::internal());
    };
    let problem = match work(&call).await {
        Ok(value) => return Ok(value),
        Err(Refusal::Problem(problem)) => problem,
        Err(Refusal::Domain(error)) => report(&error, &call.client().request_id),
    };
    call.refuse(&problem);
    Err(problem)
}

/// Answers for a function that the framework did not even start (its arguments make no sense), or could not end.
pub(crate) fn refuse(problem: &Problem) {
    // No context: in a test, or where an address is decoded outside a request.
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
    if let Problem::Internal { .. } = problem {
        tracing::error!(path = parts.uri.path(), "a server function could not be answered");
    }
    answer::refuse(&parts, &response, problem, false);
}

/// The status of the page that is being rendered, for a page that knows better than 200.
pub fn set_page_status(status: u16) {
    if let (Ok(status), Some(response)) = (StatusCode::from_u16(status), use_context::<ResponseOptions>()) {
        response.set_status(status);
    }
}

/// The value of a cookie of the request for which a page is rendered. (Not the refresh cookie: pages have no business with it.)
pub fn cookie_value(name: &'static str) -> Option<String> {
    cookie::value(&use_context::<Parts>()?.headers, name)
}

/// What may be told of an error of the domain. Our own faults are logged, here and nowhere else.
pub fn report(error: &auth::Error, request_id: &str) -> Problem {
    match error {
        auth::Error::Internal(source) => {
            tracing::error!(request_id, error = auth::chain(source.as_ref()), "internal error");
            Problem::Internal { id: request_id.to_owned() }
        }
        auth::Error::Unavailable(source) => {
            tracing::error!(request_id, error = auth::chain(source.as_ref()), "the database is not available");
            Problem::Unavailable
        }
        other => other.into(),
    }
}
