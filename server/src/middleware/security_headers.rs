//! Security headers of all responses: pages, server functions, API, files and errors. (ASVS 5.0,
//! 3.4; MDN Observatory.)

use crate::AppState;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;

/// The content security policy of responses that aren't pages: nothing may be loaded, and no frames
/// are allowed.
const CSP_NONE: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The content security policy of error pages, which need the style sheet only.
pub(super) const CSP_STYLE_ONLY: &str = "default-src 'none'; style-src 'self'; img-src 'self' \
                                         data:; base-uri 'none'; form-action 'none'; \
                                         frame-ancestors 'none'";

/// Returns the content security policy of a page: files of this server, and inline scripts with the
/// nonce of this page. `wasm-unsafe-eval` allows WebAssembly compilation only. `reload` is the port
/// of the reload socket of `cargo leptos watch`.
fn page_policy(nonce: &str, reload: Option<u32>) -> String {
    let watch = reload
        .map(|port| format!(" ws://127.0.0.1:{port} ws://localhost:{port}"))
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'{watch}; \
         manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Sets the content security policy of a page. Leptos calls it for each page after creating the
/// nonce. Server functions and files have no nonce and keep the strict policy.
pub fn set_page_policy(reload: Option<u32>) {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce, reload))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Adds the security headers. Headers set by a handler are kept.
pub async fn set_security_headers(
    State(server): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    add_security_headers(response.headers_mut(), server.web.secure, server.hsts_subdomains);
    response
}

/// Adds the security headers to a response. `secure`: the public URL uses https; `subdomains`: so
/// do all subdomains.
pub(super) fn add_security_headers(headers: &mut HeaderMap, secure: bool, subdomains: bool) {
    set_default(headers, header::CONTENT_SECURITY_POLICY, CSP_NONE);
    // Responses are not cached unless they are declared cacheable.
    set_default(headers, header::CACHE_CONTROL, "no-store");
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `same-origin`, because forms without scripts are redirected back by `Referer`.
    set(headers, header::REFERRER_POLICY, "same-origin");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("cross-origin-embedder-policy"), "require-corp");
    set_default(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
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
    add_charset(headers);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reload_socket_is_allowed_only_in_development() {
        assert!(page_policy("n", None).contains("connect-src 'self';"));
        assert!(
            page_policy("n", Some(3001))
                .contains("connect-src 'self' ws://127.0.0.1:3001 ws://localhost:3001;")
        );
    }
}
