//! The headers that every answer carries: pages, functions, API, files and errors alike. (ASVS 5.0
//! 3.4; MDN Observatory.)

use crate::Server;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;

/// For whatever is no page: it may load nothing and stand in no frame.
const NOTHING: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For a page that only says something: it may look like ours.
pub(super) const STYLE_ONLY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The policy of a page: our own files, and the inline scripts that carry this page's nonce.
/// `wasm-unsafe-eval` lets it compile WebAssembly and nothing else. `reload` is the port of the
/// socket of `cargo leptos watch`.
fn page_policy(nonce: &str, reload: Option<u32>) -> String {
    let watch = reload
        .map(|port| format!(" ws://127.0.0.1:{port} ws://localhost:{port}"))
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'{watch}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Called by Leptos for each page, once it has made the nonce; for functions and files there is
/// none, and they keep the strict policy.
pub fn set_page_policy(reload: Option<u32>) {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce, reload))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Adds the headers. Those that a handler has set on purpose stay.
pub async fn protect(State(server): State<Server>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set_all(response.headers_mut(), server.web.secure, server.hsts_subdomains);
    response
}

/// Adds the headers to those of an answer. `secure`: people reach us by https; `subdomains`: so
/// they reach all subdomains of our host.
pub(super) fn set_all(headers: &mut HeaderMap, secure: bool, subdomains: bool) {
    default(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    // What is not said to be storable is not stored, by anybody.
    default(headers, header::CACHE_CONTROL, "no-store");
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `same-origin`, because a form without scripts finds its way back by the `Referer`.
    set(headers, header::REFERRER_POLICY, "same-origin");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("cross-origin-embedder-policy"), "require-corp");
    default(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(
        headers,
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    if secure {
        set(
            headers,
            header::STRICT_TRANSPORT_SECURITY,
            if subdomains { "max-age=63072000; includeSubDomains" } else { "max-age=63072000" },
        );
    }
    name_charset(headers);
}

/// Text without a named charset is guessed at by some browsers. (ASVS 5.0 4.1.1.)
fn name_charset(headers: &mut HeaderMap) {
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

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_while_one_develops_may_a_page_talk_to_the_socket_that_reloads_it() {
        assert!(page_policy("n", None).contains("connect-src 'self';"));
        assert!(
            page_policy("n", Some(3001))
                .contains("connect-src 'self' ws://127.0.0.1:3001 ws://localhost:3001;")
        );
    }
}
