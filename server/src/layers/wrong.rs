//! Something went wrong, for people and for OAuth clients: where a program gets `problem+json`, a
//! browser that shows the answer gets a page in words for people, and below `/oauth` every client
//! gets an error of RFC 6749.
//!
//! It has the look of the others, but no script and no page of the app: what is wrong may be
//! anything.

use crate::{
    Server,
    http::{
        oauth::{self, OAUTH},
        problem::Shown,
    },
    layers::headers,
};
use axum::{
    extract::{Request, State},
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
    },
    middleware::Next,
    response::Response,
};
use countersign_leptos::{
    address::is_at_or_below,
    edge::credential::{Kind, kind},
    shell::refusal,
};

/// Replaces the body of a problem that a page visit or a plain form ran into. The status stays.
pub async fn show_people(State(server): State<Server>, request: Request, next: Next) -> Response {
    let kind = kind(request.method(), request.uri().path(), request.headers());
    let html = request
        .headers()
        .get("accept")
        .is_some_and(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"));
    let is_oauth = is_at_or_below(request.uri().path(), OAUTH);
    let theme = countersign_leptos::edge::theme(request.headers());
    let mut response = next.run(request).await;
    let Some(Shown { title, detail, for_programs }) = response.extensions().get::<Shown>().cloned()
    else {
        return response;
    };
    if is_oauth {
        *response.body_mut() = oauth::refusal(response.status(), &for_programs).into();
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    } else if html && matches!(kind, Kind::Page | Kind::PlainForm | Kind::Other) {
        let log_in = response.status() == StatusCode::UNAUTHORIZED;
        *response.body_mut() = refusal(&server.style, theme, title, detail, log_in).into();
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(headers::STYLE_ONLY));
    }
    response
}
