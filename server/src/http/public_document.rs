//! Documents without secrets that programs of every origin read: keys, metadata, the description of
//! the API.

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The response with a document of this media type. Pages of every origin may read it (the CORS
/// protocol of the Fetch standard), without cookies, and caches may keep it for five minutes: short
/// against the time that a new key is published before it signs.
pub(crate) fn public_document(kind: &'static str, document: &impl Serialize) -> Response {
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
