//! Middleware that needs no page. Their order, together with that of the pages' own middleware, is
//! in the router of the program.
//!
//! Where `tower-http` has a middleware for the same purpose, the module uses it or begins with the
//! reason why it doesn't.

pub mod api_guard;
pub mod budget;
pub mod catch_panic;
pub mod cors;
pub mod credentials;
pub mod csrf;
mod duplicate_cookies;
pub mod host;
mod paths;
pub mod request_limits;
pub mod request_log;
pub mod security_headers;

/// A request on its way through the middleware. Each function of the chain keeps two copies of its
/// parameters in its future, so that the request itself would be copied about 30 times.
pub type BoxedRequest = Box<axum::extract::Request>;
