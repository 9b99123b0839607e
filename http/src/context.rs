//! The context of a request: address, user agent and id of the client.
//! [`crate::middleware::request_log`] adds it to the extensions of each request.

use countersign_core::RequestContext;
use http::Extensions;

/// Returns the context of the request with these extensions; without the middleware, an empty one.
pub fn request_context(extensions: &Extensions) -> RequestContext {
    extensions.get::<RequestContext>().cloned().unwrap_or_default()
}
