//! (server) HTTP around server functions: the request that runs one, and the response that its
//! outcome becomes. Credentials, cookies and errors are in [`countersign_http`]. Only this module
//! and those below it depend on `leptos_axum`.

mod entered_values;
mod request_scope;
pub(crate) mod response;

pub use entered_values::EnteredValues;
pub(crate) use entered_values::entered_value;
pub use request_scope::{PageSession, RequestScope};

use crate::{server_fn_access::ServerFnAccess, server_fn_error::ServerFnProblem, ui::theme_switch};
use countersign_http::{
    HttpState, cookies,
    error::{RequestError, to_problem},
};
use countersign_types::{Problem, RedirectPath};
use http::{HeaderMap, StatusCode};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Runs the server function `F`, whether it was called by a script, by a plain form or during a
/// page render. Without the credential that `F` requires, `work` is not run.
pub async fn handle<F: ServerFnAccess, T>(
    work: impl AsyncFnOnce(&RequestScope) -> Result<T, RequestError>,
) -> Result<T, ServerFnProblem> {
    let Some(mut request) = RequestScope::from_context() else {
        // Outside a request, or the server didn't provide `HttpState` or
        // `countersign_core::RequestContext`.
        tracing::error!("server function without request context");
        return Err(Problem::internal().into());
    };
    let result = match request.require(F::ACCESS).await {
        Ok(()) => work(&request).await,
        Err(error) => Err(error),
    };
    let problem = match result {
        Ok(value) => return Ok(value),
        Err(error) => error.into_problem(&request.client().request_id),
    };
    request.write_error(&problem);
    Err(problem.into())
}

/// Sets the status of the page that is being rendered.
pub fn set_page_status(status: u16) {
    if let (Ok(status), Some(response)) =
        (StatusCode::from_u16(status), use_context::<ResponseOptions>())
    {
        response.set_status(status);
    }
}

/// Returns the path of the page that is being rendered.
pub fn path() -> String {
    use_context::<http::request::Parts>()
        .map(|request| request.uri.path().to_owned())
        .unwrap_or_default()
}

/// Returns where to continue after a log-in. `next` is the value of a link and not validated.
pub fn return_url(next: &str) -> String {
    use_context::<HttpState>().map_or_else(
        || RedirectPath::default().as_str().to_owned(),
        |http| http.return_urls().resolve(next),
    )
}

/// Returns whether anyone may sign up.
pub fn accepts_sign_ups() -> bool {
    sign_up_problem().is_none()
}

/// Returns the problem of a sign-up without a link, or `None` if anyone may sign up.
pub fn sign_up_problem() -> Option<Problem> {
    let http = use_context::<HttpState>()?;
    http.auth().require_open_sign_up().err().map(|error| to_problem(&error))
}

/// Returns whether this server sends email.
pub fn sends_mail() -> bool {
    use_context::<HttpState>().is_some_and(|http| http.auth().sends_mail())
}

/// Returns the theme that the user of the page has chosen, if any.
pub fn chosen_theme() -> Option<&'static str> {
    use_context::<http::request::Parts>().and_then(|parts| theme(&parts.headers))
}

/// Returns the theme that the sender of a request has chosen, if any.
pub fn theme(headers: &HeaderMap) -> Option<&'static str> {
    let chosen = cookies::value(headers, theme_switch::COOKIE)?;
    theme_switch::NAMES.into_iter().find(|name| *name == chosen)
}
