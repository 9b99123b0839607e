//! Keeps what a user has typed into a form that the browser posted itself, without scripts, and
//! that was refused: the page with the form, to which the response redirects, shows it again.
//! Passwords and codes are not kept.
//!
//! The values are in a cookie for a minute. They must not be in the URL, which is kept in the
//! history of the browser and in logs of proxies.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::header::{LOCATION, SET_COOKIE},
    middleware::Next,
    response::Response,
};
use countersign_http::{
    HttpState, cookies,
    credentials::{RequestKind, request_kind},
    problem,
};
use countersign_leptos::{request::TypedValues, routes::FAILED_FUNCTION};
use countersign_types::Problem;

/// Maximum size of a form in bytes. The body has been read within the limits of the server.
const MAX_FORM_BYTES: usize = 1 << 20;

/// Adds the cookie to the response that redirects to a refused form.
pub(crate) async fn keep_typed_values(
    State(http): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let kind = request_kind(request.method(), request.uri().path(), request.headers());
    if kind != RequestKind::PlainForm {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(form) = to_bytes(body, MAX_FORM_BYTES).await else {
        return problem::response(&Problem::BadRequest);
    };
    let typed = TypedValues::of_form(&form);
    let mut response = next.run(Request::from_parts(parts, Body::from(form))).await;
    let is_refused = response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .is_some_and(|location| location.contains(FAILED_FUNCTION));
    if let Some(typed) = typed.filter(|_| is_refused) {
        let cookie = cookies::set_typed_cookie(&typed.encode(), http.cookies());
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
