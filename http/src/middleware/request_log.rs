//! Assigns each request its ID and [`RequestContext`], and logs one line for it.
//!
//! Stricter than `tower_http::request_id`, which accepts any ID of a client: here it has at most 64
//! letters, digits and hyphens, because it is part of the log and of error responses.
//!
//! The line contains the path without the query, which may contain anything. It is ASCII only: a
//! path may contain characters that end a line, or terminal escape sequences.

use crate::{HttpState, client_ip::client_ip, cookies, middleware::BoxedRequest};
use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT},
    response::Response,
};
use countersign_core::{Clock, RandomSource, RequestContext};
use std::net::SocketAddr;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds the [`RequestContext`] to the extensions of the request, and logs the response.
pub async fn log_request<F: Future<Output = Response>>(
    server: &HttpState,
    mut request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let id = request_id(request.headers());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let address =
        client_ip(peer, request.headers(), server.trusted_proxies(), server.config_warnings());
    let mut client = RequestContext::new(
        address,
        request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()),
        &id,
    );
    client.device_cookie = cookies::device_cookie(request.headers(), server.cookies());
    request.extensions_mut().insert(client);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let started = Clock::System.now();

    let mut response = next(request).await;

    let (status, millis) = (response.status().as_u16(), Clock::System.now().since(started).0);
    let (path, address) = (uri.path().escape_default(), address.map(tracing::field::display));
    if status >= 500 {
        tracing::warn!(
            request.id = id, %method, %path, status, millis, address, "request completed"
        );
    } else {
        tracing::info!(
            request.id = id, %method, %path, status, millis, address, "request completed"
        );
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Returns the request ID sent by the client if it is well-formed, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(|id| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }) {
        Some(id) => id.to_owned(),
        None => RandomSource::System
            .id(Clock::System.now())
            .map_or_else(|_| "none".to_owned(), |id| id.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_id_is_kept_if_well_formed() {
        let named = |id: &'static str| {
            request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]))
        };
        assert_eq!(named("order-66"), "order-66");
        for id in [
            "",
            "a b",
            "<b>",
            "0123456789012345678901234567890123456789012345678901234567890123456789",
        ] {
            assert_eq!(named(id).len(), 36, "{id:?}");
        }
    }
}
