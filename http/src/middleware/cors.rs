//! CORS (Fetch standard): the origins listed in `COUNTERSIGN_CORS_ORIGINS` may call `/api/v1` and
//! the OAuth endpoints for public clients from a browser. Origins must match exactly. (Public
//! documents set their own CORS headers: see `api::public_document`.)
//!
//! Stricter than `tower_http::cors`, which responds with 200 to every `OPTIONS` request, whatever
//! its origin and path, and adds `Vary` to every response. Here only a preflight request of a
//! listed origin on these paths is answered; the router rejects all others with a problem.
//!
//! Cross-origin requests must bring their own tokens. Cookies are neither accepted from them nor
//! set in their responses, because a browser adds cookies by itself. Other origins get no CORS
//! headers, so their browsers withhold the response.

use crate::{HttpState, middleware::BoxedRequest};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use countersign_core::RequestContext;
use countersign_types::path::is_at_or_below;

/// Paths that listed origins may call. Introspection isn't one of them: it requires a secret, which
/// a page can't keep.
const CORS_PATHS: [&str; 3] = ["/api/v1", "/oauth/token", "/oauth/revoke"];
/// Methods and headers that requests may use, and headers of the response that pages may read.
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, x-access-token, x-request-id");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("retry-after, www-authenticate, x-request-id");
/// How long browsers may cache a preflight response, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Marks a request from a listed origin.
#[derive(Clone, Copy)]
pub(crate) struct AllowedOrigin;

/// Allows requests from listed origins.
pub async fn allow_listed_origins<F: Future<Output = Response>>(
    server: &HttpState,
    mut request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let is_enabled = !server.settings().cors_origins.is_empty();
    if !is_enabled || !CORS_PATHS.iter().any(|path| is_at_or_below(request.uri().path(), path)) {
        return next(request).await;
    }
    let origin = request
        .headers()
        .get(header::ORIGIN)
        .filter(|origin| {
            server
                .settings()
                .cors_origins
                .iter()
                .any(|listed| listed.as_bytes() == origin.as_bytes())
        })
        .cloned();
    let Some(origin) = origin else {
        let mut response = next(request).await;
        add_vary(response.headers_mut());
        return response;
    };
    let mut response = if is_preflight(&request) {
        preflight_response()
    } else {
        request.headers_mut().remove(header::COOKIE);
        if let Some(client) = request.extensions_mut().get_mut::<RequestContext>() {
            client.device_cookie = None;
        }
        request.extensions_mut().insert(AllowedOrigin);
        let mut response = next(request).await;
        response.headers_mut().remove(header::SET_COOKIE);
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    add_vary(headers);
    response
}

/// Adds `Vary: origin`, so that a cache doesn't serve the response of one origin to another.
fn add_vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// Returns whether a request is a CORS preflight request.
fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight_response() -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    (StatusCode::NO_CONTENT, HEADERS).into_response()
}
