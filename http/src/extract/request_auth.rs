//! Authentication of API requests: an access token in `Authorization: Bearer`, in the access cookie
//! (for `/api/v1` only), or in `x-access-token` if that is enabled. A request with several tokens
//! is rejected, because they could belong to different users.

use crate::{
    HttpState,
    context::request_context,
    cookies,
    credentials::{bearer, is_well_formed},
    error::ApiError,
    problem,
};
use axum::{
    extract::{FromRef, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, StatusCode, Uri, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use countersign_core::{PresentedCredential, RequestContext, SignedIn, VerifiedSession};
use countersign_types::Problem;
use std::convert::Infallible;

/// A header in which some older clients send their access token.
pub(crate) const X_ACCESS_TOKEN: &str = "x-access-token";

/// Prefix of the paths on which the access cookie is accepted.
const API_PREFIX: &str = "/api/v1/";

/// Extracts the credential of an API request. The extractor checks nothing; call
/// [`RequestAuth::signed_in`].
#[derive(Clone)]
pub struct RequestAuth {
    pub(crate) client: RequestContext,
    presented: PresentedToken,
    /// Set by the guard of the API.
    verified: Option<VerifiedSession>,
}

/// The access token of a request.
#[derive(Clone)]
enum PresentedToken {
    /// None, or a credential that is not an access token, such as a password for a proxy.
    None,
    Token(String),
    Multiple,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestAuth
where
    HttpState: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let server = HttpState::from_ref(state);
        Ok(Self::of(&parts.headers, &parts.uri, &parts.extensions, &server))
    }
}

fn presented(headers: &HeaderMap, path: &str, server: &HttpState) -> PresentedToken {
    let authorization = bearer(headers).map(|token| Some(token.to_owned()));
    let older = headers
        .get_all(X_ACCESS_TOKEN)
        .iter()
        .map(|value| value.to_str().ok().filter(|token| is_well_formed(token)).map(str::to_owned));
    let cookie = path
        .starts_with(API_PREFIX)
        .then(|| cookies::access_cookie(headers, server.cookies()))
        .flatten()
        .map(Some);
    let mut found = authorization
        .into_iter()
        .chain(older.filter(|_| server.settings().x_access_token))
        .chain(cookie);
    match (found.next(), found.next()) {
        (None, _) | (Some(None), None) => PresentedToken::None,
        (Some(Some(token)), None) => PresentedToken::Token(token),
        (Some(_), Some(_)) => PresentedToken::Multiple,
    }
}

impl RequestAuth {
    /// Reads the credential of a request.
    pub(crate) fn of(
        headers: &HeaderMap,
        uri: &Uri,
        extensions: &Extensions,
        server: &HttpState,
    ) -> Self {
        Self {
            client: request_context(extensions),
            presented: presented(headers, uri.path(), server),
            verified: extensions.get().cloned(),
        }
    }

    /// Verifies the access token, unless the guard of the API has done so. Returns the operations
    /// of the user.
    pub async fn signed_in<'a>(&self, server: &'a HttpState) -> Result<SignedIn<'a>, ApiError> {
        if let Some(verified) = &self.verified {
            return Ok(server.auth().resume(verified.clone()));
        }
        let token = self.token()?.ok_or(Problem::Unauthenticated)?;
        Ok(server.auth().signed_in(&self.client, PresentedCredential::Bearer(token)).await?)
    }

    /// Returns the access token, which may be invalid.
    pub(crate) fn token(&self) -> Result<Option<&str>, ApiError> {
        match &self.presented {
            PresentedToken::Token(token) => Ok(Some(token)),
            PresentedToken::None => Ok(None),
            PresentedToken::Multiple => {
                Err(two_credentials("Send exactly one access token.").into())
            }
        }
    }
}

/// Returns whether a request has a credential in a place for access tokens.
pub(crate) fn has_access_token(headers: &HeaderMap, path: &str, server: &HttpState) -> bool {
    headers.contains_key(AUTHORIZATION)
        || server.settings().x_access_token && headers.contains_key(X_ACCESS_TOKEN)
        || path.starts_with(API_PREFIX)
            && cookies::access_cookie(headers, server.cookies()).is_some()
}

/// Returns the response for a request with contradicting credentials.
pub(crate) fn two_credentials(detail: &str) -> Response {
    problem::with_detail(StatusCode::BAD_REQUEST, "two_credentials", detail)
}

/// Requires a valid access token for a group of routes that are not in the OpenAPI description:
/// `.route_layer(from_fn_with_state(server, require_access_token))`.
pub async fn require_access_token(
    State(server): State<HttpState>,
    auth: RequestAuth,
    mut request: Request,
    next: Next,
) -> Response {
    match auth.signed_in(&server).await {
        Ok(user) => {
            request.extensions_mut().insert(user.into_verified());
            next.run(request).await
        }
        Err(rejection) => rejection.into_response(),
    }
}
