//! Redirects anonymous clients from protected pages to the log-in page, and users from pages that
//! require a fresh authentication to the page that asks for the password. Protected pages are not
//! even rendered for them.
//!
//! It protects pages, not data, which is protected where it is read; see
//! `countersign_core::SignedIn`.

use axum::{
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use countersign_core::PresentedCredential;
use countersign_http::{
    HttpState,
    context::request_context,
    cookies,
    error::{log_and_convert, to_problem},
    middleware::BoxedRequest,
    problem,
};
use countersign_leptos::{
    request::PageSession,
    routes::{
        CONFIRM_PASSWORD, DATA, LOG_IN, SESSION_EXPIRED, is_download, is_protected,
        page_after_confirmation, required_levels,
    },
};
use countersign_types::RedirectPath as Path;

/// Enforces the access levels of a page (see [`countersign_leptos::routes`]): redirects to the
/// log-in page or to the page that asks for the password, with an empty body, or responds with 403.
pub async fn require_access_levels<F: Future<Output = Response>>(
    http: &HttpState,
    mut request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let path = request.uri().path();
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_protected(path) || !reading {
        return next(request).await;
    }
    let Some(token) = cookies::refresh_cookie(request.headers(), http.cookies()) else {
        return log_in_redirect(path, false);
    };
    let client = request_context(request.extensions());
    match http.auth().signed_in(&client, PresentedCredential::Cookie(&token)).await {
        Ok(user) => {
            let allowed = required_levels(path).try_for_each(|level| user.require(level));
            match allowed {
                Ok(()) => {
                    let session = PageSession(user.into_verified());
                    request.extensions_mut().insert(session);
                    next(request).await
                }
                Err(countersign_core::Error::ReauthenticationRequired) => {
                    redirect_to(CONFIRM_PASSWORD, &page_after_confirmation(path), "")
                }
                Err(error) => problem::response(&to_problem(&error)),
            }
        }
        Err(countersign_core::Error::Unauthenticated) => log_in_redirect(path, true),
        // The session can't be verified at the moment. The page shows that to users, and its status
        // to programs.
        Err(error) => {
            let problem = log_and_convert(&error, &client.request_id);
            let mut response = next(request).await;
            if response.status().is_success() {
                *response.status_mut() = StatusCode::from_u16(problem.status())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                if let Some(seconds) = problem.retry_after() {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
            }
            response
        }
    }
}

/// Returns the redirect to the log-in page. Only the path is preserved: the query must not appear
/// in the URL of the log-in page.
fn log_in_redirect(path: &str, session_ended: bool) -> Response {
    // Users are not redirected back to a download: the browser would save it without showing a
    // page.
    let next = if is_download(path) { DATA.path } else { path };
    let session_ended = if session_ended { format!("&{SESSION_EXPIRED}") } else { String::new() };
    redirect_to(LOG_IN, next, &session_ended)
}

/// Returns a redirect to `page`, which continues at `next`. `flash` is the rest of the query.
fn redirect_to(page: &'static str, next: &str, flash: &str) -> Response {
    let next = Path::parse(next);
    // A valid redirect path needs no encoding.
    let location = HeaderValue::from_str(&format!("{page}?next={}{flash}", next.as_str()))
        .unwrap_or(HeaderValue::from_static(page));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
