//! The headers of pages: content security policy, caching, the files that they load, and which
//! links the browser may fetch in advance. All other security headers are in
//! [`countersign_http::middleware::security_headers`].

use crate::{gallery, speculation_rules};
use axum::http::{HeaderName, HeaderValue, header};
use countersign_http::HttpState;
use countersign_leptos::{request, routes};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;

/// Returns the content security policy of a page: files of this server, and inline scripts with the
/// nonce of this page. `wasm-unsafe-eval` allows WebAssembly compilation only. `reload` is the port
/// of the reload socket of `cargo leptos watch`. A form may redirect to `origins`, after a log-in.
/// Only pages of the component gallery contain frames.
fn page_policy(
    nonce: &str,
    reload: Option<u32>,
    origins: &[String],
    contains_frames: bool,
) -> String {
    let watch = reload
        .map(|port| format!(" ws://127.0.0.1:{port} ws://localhost:{port}"))
        .unwrap_or_default();
    let frames = if contains_frames { " frame-src 'self';" } else { "" };
    let form_action = [&["'self'".to_owned()], origins].concat().join(" ");
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'{watch}; \
         manifest-src 'self';{frames} base-uri 'none'; form-action {form_action}; \
         frame-ancestors 'none'"
    )
}

/// Sets the headers of a page. Leptos calls it for each page after creating the
/// nonce. Server functions and files have no nonce and keep the strict policy.
///
/// `files` is the `Link` header. A proxy can send it before the page (RFC 8297); this server can't.
pub(crate) fn set_page_policy(reload: Option<u32>, files: &HeaderValue) {
    let http = use_context::<HttpState>().filter(|_| routes::is_log_in_page(&request::path()));
    let origins = http.as_ref().map_or(&[][..], |http| &http.return_urls().origins);
    let contains_frames = gallery::is_gallery_page();
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) =
            HeaderValue::from_str(&page_policy(&nonce, reload, origins, contains_frames))
    {
        if contains_frames {
            let name = HeaderName::from_static("x-robots-tag");
            response.insert_header(name, HeaderValue::from_static("noindex"));
        }
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.insert_header(header::LINK, files.clone());
        let (name, rules) = speculation_rules::HEADER;
        response.insert_header(name, rules);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_redirect_to_this_site_and_listed_origins_only() {
        assert!(page_policy("n", None, &[], false).contains("form-action 'self';"));
        let origins = ["https://app.example.com".to_owned()];
        assert!(
            page_policy("n", None, &origins, false)
                .contains("form-action 'self' https://app.example.com;")
        );
    }

    #[test]
    fn reload_socket_is_allowed_only_in_development() {
        assert!(page_policy("n", None, &[], false).contains("connect-src 'self';"));
        assert!(
            page_policy("n", Some(3001), &[], false)
                .contains("connect-src 'self' ws://127.0.0.1:3001 ws://localhost:3001;")
        );
    }
}
