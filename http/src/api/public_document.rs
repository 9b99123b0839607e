//! Public documents that programs of any origin may read: keys, metadata, the OpenAPI description.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Returns the response with a document of this media type. Pages of any origin may read it (CORS
/// protocol of the Fetch standard), without cookies. Caches may keep it for five minutes, which is
/// short compared to the time that a new key is published before it is used.
pub fn public_document(kind: &'static str, document: &impl Serialize) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 3] = [
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ),
    ];
    match serde_json::to_vec(document) {
        Ok(body) => (HEADERS, [(CONTENT_TYPE, kind)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
