//! One user for each request: an access token beside the refresh cookie of another user acts for
//! neither of them, wherever it is sent.
//!
//! Which of the two counts differs between pages, functions and the API, and log-out takes both;
//! see [`countersign_leptos::edge::credential`]. A browser sends both, of one session.

use crate::{
    Server,
    http::{X_ACCESS_TOKEN, problem, two_credentials},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use countersign_core::{Client, Presented};
use countersign_leptos::edge::{cookie, credential::bearer, report};

/// Answers 400 to a request that shows two users.
pub async fn one_user_only(State(server): State<Server>, request: Request, next: Next) -> Response {
    let (headers, names) = (request.headers(), &server.web.cookies);
    let refresh = cookie::refresh_cookie(headers, names);
    // It counts at the API only, and a page must not fail because of one that was left over.
    let access_cookie = cookie::access_cookie(headers, names)
        .filter(|_| request.uri().path().starts_with("/api/v1/"));
    let other = headers
        .get(X_ACCESS_TOKEN)
        .filter(|_| server.x_access_token)
        .and_then(|token| token.to_str().ok());
    let access = [bearer(headers), other, access_cookie.as_deref()];
    let presented: Vec<_> = access
        .into_iter()
        .flatten()
        .map(Presented::Bearer)
        .chain(refresh.as_deref().map(Presented::Cookie))
        .collect();
    match server.web.auth.are_of_two_users(&presented).await {
        Ok(false) => next.run(request).await,
        Ok(true) => two_credentials("Send the credentials of one user."),
        Err(error) => {
            let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
            problem::answer(&report(&error, &client.request_id))
        }
    }
}
