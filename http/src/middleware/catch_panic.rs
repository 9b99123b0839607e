//! Panic handling: a panic in a handler becomes a 500 response, and the server continues.
//!
//! Panics are caught twice: inside the middleware, so that the response is logged and has all
//! headers; and around it, for panics in the middleware itself.

use crate::{HttpState, middleware::security_headers, problem};
use axum::response::Response;
use countersign_types::Problem;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;

/// Returns the response for a panic, without its message: the panics of some libraries quote their
/// input.
pub fn panic_response(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("handler panicked");
    problem::response(&Problem::internal())
}

/// Returns the outermost layer, which catches panics in the middleware.
pub fn outermost_layer(
    server: &HttpState,
) -> CatchPanicLayer<impl Fn(Box<dyn Any + Send + 'static>) -> Response + Clone + use<>> {
    let (secure, subdomains) = (server.is_secure(), server.settings().hsts_subdomains);
    CatchPanicLayer::custom(move |_: Box<dyn Any + Send + 'static>| {
        tracing::error!("middleware panicked");
        let mut response = problem::response(&Problem::internal());
        security_headers::add_security_headers(response.headers_mut(), secure, subdomains);
        response
    })
}
