//! Rejects requests with credentials of two users: an access token beside the refresh cookie of
//! another user.
//!
//! Pages, server functions and the API use different credentials of a request, and log-out uses all
//! of them; see [`crate::credentials`]. A browser sends credentials of one
//! session only.

use super::{BoxedRequest, duplicate_cookies::keep_valid_cookie};
use crate::{
    HttpState,
    context::request_context,
    cookies,
    credentials::bearer,
    error::log_and_convert,
    extract::{X_ACCESS_TOKEN, two_credentials},
    problem,
};
use axum::{
    extract::Request,
    http::{header::COOKIE, request::Parts},
    response::Response,
};
use countersign_core::PresentedCredential;

/// Responds with 400 to a request with credentials of two users.
async fn reject_two_users(server: &HttpState, request: &Parts) -> Option<Response> {
    let (headers, names) = (&request.headers, server.cookies());
    let refresh = cookies::refresh_cookie(headers, names);
    // The access cookie is used by the API only; a leftover one must not make a page fail.
    let access_cookie = cookies::access_cookie(headers, names)
        .filter(|_| request.uri.path().starts_with("/api/v1/"));
    let other = headers
        .get(X_ACCESS_TOKEN)
        .filter(|_| server.settings().x_access_token)
        .and_then(|token| token.to_str().ok());
    let access = [bearer(headers), other, access_cookie.as_deref()];
    if access.iter().flatten().count() + usize::from(refresh.is_some()) < 2 {
        return None;
    }
    let presented: Vec<_> = access
        .into_iter()
        .flatten()
        .map(PresentedCredential::Bearer)
        .chain(refresh.as_deref().map(PresentedCredential::Cookie))
        .collect();
    match server.auth().belong_to_different_users(&presented).await {
        Ok(false) => None,
        Ok(true) => Some(two_credentials("Send the credentials of one user.")),
        Err(error) => {
            let client = request_context(&request.extensions);
            Some(problem::response(&log_and_convert(&error, &client.request_id)))
        }
    }
}

/// Keeps one refresh cookie, and rejects requests with credentials of two users.
pub async fn check_credentials<F: Future<Output = Response>>(
    server: &HttpState,
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let headers = request.headers();
    if !headers.contains_key(COOKIE) && !headers.contains_key(X_ACCESS_TOKEN) {
        // At most one credential: `bearer` ignores several.
        return next(request).await;
    }
    match Box::pin(check_all(server, request)).await {
        Ok(request) => next(request).await,
        Err(rejection) => rejection,
    }
}

async fn check_all(server: &HttpState, request: BoxedRequest) -> Result<BoxedRequest, Response> {
    let (mut parts, body) = request.into_parts();
    keep_valid_cookie(server, &mut parts).await;
    match reject_two_users(server, &parts).await {
        Some(rejection) => Err(rejection),
        None => Ok(Box::new(Request::from_parts(parts, body))),
    }
}
