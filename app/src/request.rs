//! (server) HTTP around the domain: which credential a request has, and which response an outcome
//! becomes. The rules are plain functions in [`credential`], [`cookie`] and [`response`], which the
//! JSON API uses too. Only this module and those below it depend on `leptos_axum`.

pub mod cookie;
pub mod credential;
mod request_scope;
pub mod response;

pub use cookie::CookieNames;
pub use request_scope::RequestScope;

use crate::{problem::Problem, ui::theme_switch};
use http::{HeaderMap, StatusCode, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// The context that the server provides to every page render and every server function.
#[derive(Clone)]
pub struct ServerContext {
    /// The domain.
    pub auth: countersign_core::Auth,
    /// Whether the public URL is https.
    pub secure: bool,
    /// The names of the cookies.
    pub cookies: CookieNames,
}

/// Why a server function failed: an error of the domain or of HTTP.
#[derive(Debug)]
pub enum CallError {
    /// An error of the domain. Its cause is for the log.
    Domain(countersign_core::Error),
    /// A problem that was detected here.
    Problem(Problem),
}

impl From<countersign_core::Error> for CallError {
    fn from(error: countersign_core::Error) -> Self {
        Self::Domain(error)
    }
}

impl From<Problem> for CallError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Runs a server function, whether it was called by a script, by a plain form or during a page
/// render.
pub async fn handle<T>(
    work: impl AsyncFnOnce(&RequestScope) -> Result<T, CallError>,
) -> Result<T, Problem> {
    let Some(request) = RequestScope::from_context() else {
        // Outside a request, or the server didn't provide `ServerContext` or
        // `countersign_core::RequestContext`.
        tracing::error!("server function without request context");
        return Err(Problem::internal());
    };
    let problem = match work(&request).await {
        Ok(value) => return Ok(value),
        Err(CallError::Problem(problem)) => problem,
        Err(CallError::Domain(error)) => log_and_convert(&error, &request.client().request_id),
    };
    request.write_error(&problem);
    Err(problem)
}

/// Writes the response for a server function that the framework didn't start, because its arguments
/// are invalid, or couldn't complete.
pub(crate) fn write_error(problem: &Problem) {
    // Without context in tests, and if a URL is decoded outside a request.
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>())
    else {
        return;
    };
    if let Problem::Internal { .. } = problem {
        tracing::error!(path = parts.uri.path(), "server function failed");
    }
    response::write_error(&parts, &response, problem, false);
}

/// Sets the status of the page that is being rendered.
pub fn set_page_status(status: u16) {
    if let (Ok(status), Some(response)) =
        (StatusCode::from_u16(status), use_context::<ResponseOptions>())
    {
        response.set_status(status);
    }
}

/// Returns the theme that the user has chosen, if any.
pub fn theme(headers: &HeaderMap) -> Option<&'static str> {
    let chosen = cookie::value(headers, theme_switch::COOKIE)?;
    theme_switch::NAMES.into_iter().find(|name| *name == chosen)
}

/// Returns the problem for an error of the domain. Logs internal errors; nothing else does.
pub fn log_and_convert(error: &countersign_core::Error, request_id: &str) -> Problem {
    match error {
        countersign_core::Error::Internal(source) => {
            tracing::error!(
                request_id,
                error = countersign_core::error_chain(source.as_ref()),
                "internal error"
            );
            Problem::Internal { id: request_id.to_owned() }
        }
        countersign_core::Error::Unavailable(source) => {
            // The store logs each outage once, when it begins.
            tracing::debug!(
                request_id,
                error = countersign_core::error_chain(source.as_ref()),
                "database not available"
            );
            Problem::Unavailable
        }
        other => other.into(),
    }
}
