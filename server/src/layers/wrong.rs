//! Something went wrong, for people: where a program gets `problem+json`, a browser that shows the answer gets a page in the same words.
//!
//! It is made of nothing but text, because what is wrong may be anything: no script, no style, no rendering of the app.

use crate::http::problem::Shown;
use app::edge::credential::{Kind, kind};
use axum::{
    extract::Request,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    middleware::Next,
    response::Response,
};

/// Replaces the body of a problem that a page visit or a plain form ran into. The status stays.
pub async fn show_people(request: Request, next: Next) -> Response {
    let kind = kind(request.method(), request.uri().path(), request.headers());
    let html = request.headers().get("accept").is_some_and(|accept| String::from_utf8_lossy(accept.as_bytes()).contains("text/html"));
    let mut response = next.run(request).await;
    let Some(Shown { title, detail }) = response.extensions().get::<Shown>().cloned() else { return response };
    if html && matches!(kind, Kind::Page | Kind::PlainForm | Kind::Other) {
        *response.body_mut() = page(&title, &detail).into();
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    response
}

/// The words are our own: there is nothing in them to escape.
fn page(title: &str, detail: &str) -> String {
    let (product, home) = (app::words::PRODUCT, app::words::not_found::HOME);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · {product}</title></head>\
         <body><main><h1>{title}</h1><p>{detail}</p><p><a href=\"/\">{home}</a></p></main></body></html>"
    )
}
