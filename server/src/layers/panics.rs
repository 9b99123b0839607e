//! A panic while a request is answered becomes a plain 500, and the server serves on.
//!
//! Twice: inside the layers, so that the answer is logged and looks like any other; and around them
//! all, for a panic in one of the layers.

use crate::{Server, http::problem, layers::headers};
use axum::response::Response;
use countersign_leptos::problem::Problem;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;

/// Answers a panic. What was said is not repeated: the panics of some libraries quote what they
/// were given.
pub fn caught(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    problem::answer(&Problem::internal())
}

/// Catches what the layers let through. Stands around all of them.
pub fn outermost(
    server: &Server,
) -> CatchPanicLayer<impl Fn(Box<dyn Any + Send + 'static>) -> Response + Clone + use<>> {
    let (secure, subdomains) = (server.web.secure, server.hsts_subdomains);
    CatchPanicLayer::custom(move |_: Box<dyn Any + Send + 'static>| {
        tracing::error!("a middleware panicked");
        let mut response = problem::answer(&Problem::internal());
        headers::set_all(response.headers_mut(), secure, subdomains);
        response
    })
}
