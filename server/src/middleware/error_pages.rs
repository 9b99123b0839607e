//! Error pages: browsers that show a response get an HTML page instead of `problem+json`, and OAuth
//! clients get an error of RFC 6749 below `/oauth`.
//!
//! The page has the style of the other pages, but no scripts and nothing of the app, because
//! anything may have failed.

use crate::AppState;
use axum::{
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
    },
    response::Response,
};
use countersign_http::{
    credentials::{RequestKind, request_kind},
    middleware::{BoxedRequest, security_headers},
    oauth::{self, OAUTH},
    problem::{PageText, ProblemExtension},
};
use countersign_leptos::{
    features::not_found::messages as not_found, layout::document::error_document,
    messages::bad_request_page,
};
use countersign_types::path::is_at_or_below;

/// Replaces the body of an error response to a page visit or a plain form. The status is unchanged.
pub async fn render_error_pages<F: Future<Output = Response>>(
    server: &AppState,
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let kind = request_kind(request.method(), request.uri().path(), request.headers());
    let html = request
        .headers()
        .get("accept")
        .is_some_and(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"));
    let is_oauth = is_at_or_below(request.uri().path(), OAUTH);
    let theme = countersign_leptos::request::theme(request.headers());
    let mut response = next(request).await;
    let Some(ProblemExtension { page, for_programs }) =
        response.extensions().get::<ProblemExtension>().cloned()
    else {
        return response;
    };
    if is_oauth {
        *response.body_mut() = oauth::error_body(response.status(), &for_programs).into();
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    } else if html
        && matches!(kind, RequestKind::Page | RequestKind::PlainForm | RequestKind::Other)
    {
        let log_in = response.status() == StatusCode::UNAUTHORIZED;
        *response.body_mut() = error_document(
            &server.site_files().style,
            &server.0.brand.page,
            server.0.is_demo,
            theme,
            page_texts(page),
            log_in,
        )
        .into();
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(security_headers::CSP_ERROR_PAGE),
        );
    }
    response
}

/// Returns title and text of an error page.
fn page_texts(page: PageText) -> (String, String) {
    match page {
        PageText::NotFound => {
            (not_found::HEADING.text().to_owned(), not_found::EXPLANATION.text().to_owned())
        }
        PageText::BadRequest => (
            bad_request_page::HEADING.text().to_owned(),
            bad_request_page::EXPLANATION.text().to_owned(),
        ),
        PageText::Problem { title, detail } => (title, detail),
    }
}
