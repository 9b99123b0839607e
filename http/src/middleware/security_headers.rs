//! Security headers of all responses: pages, server functions, API, files and errors. (ASVS 5.0,
//! 3.4; MDN Observatory.) The content security policy of pages is not here: it needs their nonce.
//!
//! Cheaper than `tower_http::set_header`, which takes a layer for each header, or copies a list of
//! boxed headers twice for each request: 22 allocations instead of none.

use crate::{HttpState, middleware::BoxedRequest};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

/// The content security policy of responses that aren't pages: nothing may be loaded, and no frames
/// are allowed.
const CSP_NONE: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Maximum number of headers that are added here.
const MAX_ADDED: usize = 10;

/// The content security policy of error pages, which need the style sheet, images and the font of
/// this server.
pub const CSP_ERROR_PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
                                  font-src 'self'; base-uri 'none'; form-action 'none'; \
                                  frame-ancestors 'none'";

/// Adds the security headers to the response. Headers set by a handler are kept.
pub async fn set_security_headers<F: Future<Output = Response>>(
    server: &HttpState,
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let mut response = next(request).await;
    add_security_headers(response.headers_mut(), server);
    response
}

/// Adds the security headers to those of a response.
pub(super) fn add_security_headers(headers: &mut HeaderMap, server: &HttpState) {
    headers.reserve(MAX_ADDED); // Otherwise the map grows, and moves its headers, three times.
    set_default(headers, header::CONTENT_SECURITY_POLICY, CSP_NONE);
    // Responses are not cached unless they are declared cacheable.
    set_default(headers, header::CACHE_CONTROL, "no-store");
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `same-origin`, because forms without scripts are redirected back by `Referer`.
    set(headers, header::REFERRER_POLICY, "same-origin");
    set_default(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("cross-origin-embedder-policy"), "require-corp");
    set_default(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if !is_subresource(headers) {
        set(
            headers,
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        );
    }
    if server.is_secure() {
        set(
            headers,
            header::STRICT_TRANSPORT_SECURITY,
            if server.settings().hsts_subdomains {
                "max-age=63072000; includeSubDomains"
            } else {
                "max-age=63072000"
            },
        );
    }
    add_charset(headers);
}

/// Returns whether the response can only be a part of a document. A permissions policy is for
/// documents, and would be 80 bytes of each file that a page loads.
fn is_subresource(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    [&b"application/wasm"[..], b"text/css", b"text/javascript", b"application/javascript"]
        .iter()
        .any(|subresource| kind.starts_with(subresource))
}

/// Adds the charset of text types: without it, some browsers guess. (ASVS 5.0, 4.1.1.)
fn add_charset(headers: &mut HeaderMap) {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let named = match kind {
        Some("text/html") => "text/html; charset=utf-8",
        Some("text/css") => "text/css; charset=utf-8",
        Some("text/plain") => "text/plain; charset=utf-8",
        Some("text/javascript" | "application/javascript") => "text/javascript; charset=utf-8",
        Some("image/svg+xml") => "image/svg+xml; charset=utf-8",
        _ => return,
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(named));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
