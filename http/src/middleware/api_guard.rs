//! The guard of the API. Before a handler it enforces the access level of the operation; after it,
//! it completes error responses.
//!
//! The access level is the `security(…)` in the annotation of the handler, from which the OpenAPI
//! description is generated, too. A handler whose credential is not an access token (a refresh
//! token, the introspection secret) checks it itself.

use crate::{
    HttpState,
    api::access::AccessLevels,
    challenge::bearer_challenge,
    error::{ApiError, ErrorExtension, RequestError, log_and_convert},
    extract::{RequestAuth, has_access_token},
    middleware::BoxedRequest,
};
use axum::{
    extract::MatchedPath,
    http::header::WWW_AUTHENTICATE,
    response::{IntoResponse, Response},
};
use countersign_core::{RequestContext, VerifiedSession};
use countersign_types::{Access, Problem};

/// The state of the guard.
pub struct ApiGuard {
    http: HttpState,
    levels: AccessLevels,
}

impl ApiGuard {
    /// Creates the guard for operations with these access levels.
    #[must_use]
    pub const fn new(http: HttpState, levels: AccessLevels) -> Self {
        Self { http, levels }
    }
}

/// Refuses requests without the credential that the operation requires, logs the cause of errors
/// with the ID of the request, and adds to a challenge whether a token was rejected.
pub async fn guard_api<F: Future<Output = Response>>(
    ApiGuard { http, levels }: &ApiGuard,
    mut request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    let has_token = has_access_token(request.headers(), request.uri().path(), http);
    let client = request.extensions().get::<RequestContext>();
    let request_id = client.map(|client| client.request_id.clone()).unwrap_or_default();
    let level = request
        .extensions()
        .get::<MatchedPath>()
        .and_then(|path| levels.find(request.method(), path.as_str()));
    let required = level.filter(|level| *level != Access::Public).map(|level| {
        let (headers, extensions) = (request.headers(), request.extensions());
        (RequestAuth::of(headers, request.uri(), extensions, http), level)
    });
    let verified = match required {
        Some((auth, level)) => verify(http, &auth, level).await.map(Some),
        None => Ok(None),
    };
    let mut response = match verified {
        Ok(verified) => {
            if let Some(verified) = verified {
                request.extensions_mut().insert(verified);
            }
            next(request).await
        }
        Err(error) => error.into_response(),
    };
    let Some(ErrorExtension(error)) = response.extensions_mut().remove() else { return response };
    if let RequestError::Domain(error) = &*error {
        log_and_convert(error, &request_id);
    }
    // RFC 6750, 3: no error code unless the request had a token.
    if has_token && error.to_problem() == Problem::Unauthenticated {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, bearer_challenge(&Problem::Unauthenticated, true));
    }
    response
}

/// Verifies the access token of a request, and that it has this level.
async fn verify(
    http: &HttpState,
    auth: &RequestAuth,
    level: Access,
) -> Result<VerifiedSession, ApiError> {
    let user = auth.signed_in(http).await?;
    user.require(level)?;
    Ok(user.into_verified())
}
