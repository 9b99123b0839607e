//! Pages of other origins that may call the JSON API from a browser (the CORS protocol of the Fetch
//! standard): those that `COUNTERSIGN_CORS_ORIGINS` lists, exactly, and on `/api/v1` and the OAuth
//! endpoints of public clients only. (Documents that every origin may read say so themselves: see
//! `http::public_document`.)
//!
//! They show tokens of their own. Cookies are neither taken from them nor given to them: what a
//! browser adds by itself is nobody's to use from elsewhere. Everybody else is told nothing, and
//! their browser keeps the answer from them.

use crate::Server;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_core::Client;
use countersign_leptos::address::is_at_or_below;

/// Where listed origins may call. Introspection is for programs with a secret, which a page cannot
/// keep.
const PATHS: [&str; 3] = ["/api/v1", "/oauth/token", "/oauth/revoke"];
/// What they may send, and what they may read of an answer beyond its body.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, x-access-token, x-request-id");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("retry-after, www-authenticate, x-request-id");
/// Browsers may remember a permission for so long, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// Says of a request that it comes from a listed origin.
#[derive(Clone, Copy)]
pub(crate) struct Listed;

/// Lets listed origins in.
pub async fn listed_origins(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    if server.cors_origins.is_empty()
        || !PATHS.iter().any(|path| is_at_or_below(request.uri().path(), path))
    {
        return next.run(request).await;
    }
    let origin = request
        .headers()
        .get(header::ORIGIN)
        .filter(|origin| {
            server.cors_origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes())
        })
        .cloned();
    let Some(origin) = origin else {
        let mut response = next.run(request).await;
        vary(response.headers_mut());
        return response;
    };
    let mut response = if is_preflight(&request) {
        permission()
    } else {
        request.headers_mut().remove(header::COOKIE);
        if let Some(client) = request.extensions_mut().get_mut::<Client>() {
            client.known_browser = None;
        }
        request.extensions_mut().insert(Listed);
        let mut response = next.run(request).await;
        response.headers_mut().remove(header::SET_COOKIE);
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    vary(headers);
    response
}

/// A cache must not show one origin what was allowed to another.
fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// Whether a browser asks, before it sends what a page wants to send.
fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn permission() -> Response {
    const ALLOWED: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, ALLOWED).into_response()
}
