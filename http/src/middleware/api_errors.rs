//! Completes the error responses of API handlers, in one place: logs the cause with the ID of the
//! request, and adds to the challenge whether a token was rejected.

use crate::{
    HttpState,
    challenge::bearer_challenge,
    error::{ErrorExtension, RequestError, log_and_convert},
    extract::has_access_token,
};
use axum::{
    extract::{Request, State},
    http::header::WWW_AUTHENTICATE,
    middleware::Next,
    response::Response,
};
use countersign_core::RequestContext;
use countersign_types::Problem;

/// Completes the response to a request whose handler has returned an
/// [`ApiError`](crate::error::ApiError).
pub async fn complete_errors(
    State(server): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let has_token = has_access_token(request.headers(), request.uri().path(), &server);
    let client = request.extensions().get::<RequestContext>();
    let request_id = client.map(|client| client.request_id.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    let Some(ErrorExtension(error)) = response.extensions_mut().remove() else { return response };
    if let RequestError::Domain(error) = &*error {
        log_and_convert(error, &request_id);
    }
    // RFC 6750, 3: no error code unless the request had a token.
    if has_token && error.to_problem() == Problem::Unauthenticated {
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer_challenge(true));
    }
    response
}
