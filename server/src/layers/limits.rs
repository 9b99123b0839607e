//! What goes no further: bodies that are larger than any of ours, and methods that nobody needs.

use crate::http::problem;
use app::problem::Problem;
use axum::{
    extract::Request,
    http::{Method, StatusCode, header::CONTENT_LENGTH},
    middleware::Next,
    response::Response,
};

/// The largest body that is read, in bytes: the longest password, encoded, many times over.
pub const BODY: usize = 64 * 1024;

/// Refuses early, by what the request says of itself. A body that says nothing, or lies, is cut off at [`BODY`] while it is read.
pub async fn enforce(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return problem::plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY as u64) {
        return problem::answer(&Problem::TooLarge);
    }
    next.run(request).await
}
