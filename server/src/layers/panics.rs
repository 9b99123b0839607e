//! A panic in a handler becomes a plain 500, and the server serves on.

use crate::http::problem;
use app::problem::Problem;
use axum::response::Response;
use std::any::Any;

/// What was said is logged (a panic message is of our own making or of a library's, never a form value), and not told.
#[expect(clippy::needless_pass_by_value, reason = "this is how `CatchPanicLayer` calls it")]
pub fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of an unknown kind");
    tracing::error!(message, "panic");
    problem::answer(&Problem::internal())
}
