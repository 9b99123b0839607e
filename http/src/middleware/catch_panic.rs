//! Panic handling: a panic in a handler becomes a 500 response, and the server continues.
//!
//! Panics are caught twice: inside the middleware, so that the response is logged and has all
//! headers; and around it, for panics in the middleware itself.
//!
//! `tower_http::catch_panic` does the same, but boxes the body of each response.

use crate::{
    HttpState,
    middleware::{BoxedRequest, security_headers},
    problem,
};
use axum::response::Response;
use countersign_types::Problem;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;

/// Responds with 500 to a request whose handler panics.
pub async fn catch_handler_panic<F: Future<Output = Response>>(
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    catch_panic(request, next, "handler panicked").await.unwrap_or_else(panic_response)
}

/// Responds with 500 to a request for which the middleware panics.
pub async fn catch_middleware_panic<F: Future<Output = Response>>(
    server: &HttpState,
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    catch_panic(request, next, "middleware panicked").await.unwrap_or_else(|| {
        let mut response = panic_response();
        security_headers::add_security_headers(response.headers_mut(), server);
        response
    })
}

/// Calls the next function. Returns `None` if it panics. The message of the panic is not used,
/// because some libraries quote their input.
async fn catch_panic<F: Future<Output = Response>>(
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
    log_message: &str,
) -> Option<Response> {
    // Unwind safe: the values of the request are dropped, and shared ones are synchronized.
    let response = AssertUnwindSafe(async move { next(request).await }).catch_unwind().await;
    response.inspect_err(|_| tracing::error!("{log_message}")).ok()
}

fn panic_response() -> Response {
    problem::response(&Problem::internal())
}
