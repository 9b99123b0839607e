//! Keeps the email address and the name that a user entered in a refused form. The page with the
//! form shows them again. Only forms that were posted without scripts need it.
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
    middleware::request_limits::MAX_BODY_BYTES,
    problem,
};
use countersign_leptos::{
    request::EnteredValues,
    routes::{FAILED_FUNCTION, has_param},
};
use countersign_types::Problem;

/// Adds the cookie to the response that redirects to a refused form.
pub(crate) async fn keep_entered_values(
    State(http): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let kind = request_kind(request.method(), request.uri().path(), request.headers());
    if kind != RequestKind::PlainForm {
        return next.run(request).await;
    }
    let had_values = cookies::entered_cookie(request.headers(), http.cookies()).is_some();
    let (parts, body) = request.into_parts();
    let Ok(form) = to_bytes(body, MAX_BODY_BYTES).await else {
        return problem::response(&Problem::BadRequest);
    };
    let entered = EnteredValues::from_form(parts.uri.path(), &form);
    let mut response = next.run(Request::from_parts(parts, Body::from(form))).await;
    let cookie = match entered.filter(|_| is_refused(&response)) {
        Some(entered) => cookies::set_entered_cookie(&entered.encode(), http.cookies()),
        None if had_values => cookies::clear_entered_cookie(http.cookies()),
        None => return response,
    };
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

/// Returns whether a response redirects to the form, with the problem in the query.
fn is_refused(response: &Response) -> bool {
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let query = location.and_then(|location| location.split_once('?')).map(|(_, query)| query);
    query.is_some_and(|query| has_param(query, FAILED_FUNCTION))
}
