//! A panic in a handler becomes a plain 500, and the server serves on.

use crate::http::problem;
use app::problem::Problem;
use axum::response::Response;
use std::any::Any;

/// What was said is not repeated here: the panics of some libraries quote what they were given.
pub fn caught(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    problem::answer(&Problem::internal())
}
