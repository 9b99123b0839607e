//! Nobody sees a protected page, or even causes it to be rendered, without a session.
//!
//! This is for people: they are led to the log-in page and back. Data is protected where it is
//! read; see `countersign_core::SignedIn`.

use crate::{Server, downloads::FILES};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_core::{Client, Presented};
use countersign_leptos::{
    address::{DATA, ENDED, LOG_IN, is_protected},
    edge::{cookie, report},
};
use countersign_types::Next as Path;

/// Redirects a visit to a page below `countersign_leptos::address::PROTECTED` by somebody who is not signed in,
/// with an empty body.
pub async fn signed_in_only(
    State(server): State<Server>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_protected(path) || !reading {
        return next.run(request).await;
    }
    let Some(token) = cookie::refresh_cookie(request.headers(), &server.web.cookies) else {
        return to_log_in(path, false);
    };
    let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
    match server.web.auth.signed_in(&client, Presented::Cookie(&token)).await {
        Ok(_) => next.run(request).await,
        Err(countersign_core::Error::SignedOut) => to_log_in(path, true),
        // The page says itself that we cannot know just now; its status says it to programs.
        Err(error) => {
            let problem = report(&error, &client.request_id);
            let mut response = next.run(request).await;
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

/// Only the path goes along: whatever was in the query stays out of the address of the log-in page.
fn to_log_in(path: &str, ended: bool) -> Response {
    // Nobody is led back to a file: it would be saved, and nothing be seen.
    let next = Path::parse(if FILES.contains(&path) { DATA } else { path });
    let ended = if ended { format!("&{ENDED}") } else { String::new() };
    // What `Next` lets through needs no encoding.
    let location = HeaderValue::from_str(&format!("{LOG_IN}?next={}{ended}", next.as_str()))
        .unwrap_or(HeaderValue::from_static(LOG_IN));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
