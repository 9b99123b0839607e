//! What goes no further: bodies that are larger than any of ours, methods that nobody needs, and what takes too long.

use crate::http::problem;
use app::problem::Problem;
use axum::{
    extract::Request,
    http::{Method, StatusCode, header::CONTENT_LENGTH},
    middleware::Next,
    response::Response,
};
use std::time::Duration;

/// The largest body that is read, in bytes: the longest password, encoded, many times over.
pub const BODY: usize = 64 * 1024;

/// Longer than everything that may wait here for something else: the hashing threads, the database. What a page waits for runs in tasks of
/// its own, and a page whose task has died would wait for ever.
pub const LONGEST: Duration = Duration::from_secs(30);

/// Gives up on a request that has no answer after [`LONGEST`].
pub async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(LONGEST, next.run(request)).await.unwrap_or_else(|_| {
        tracing::error!("a request had no answer after {} s", LONGEST.as_secs());
        problem::answer(&Problem::Unavailable)
    })
}

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
