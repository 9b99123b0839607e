//! Middleware that doesn't need pages. `server/src/middleware` defines its order.
//!
//! Where `tower-http` has a middleware for the same purpose, the module says why it is not used.

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

/// A request on its way through the middleware. It is boxed, because the future of each function
/// stores its parameters twice, and a request has 240 bytes.
pub type BoxedRequest = Box<axum::extract::Request>;
