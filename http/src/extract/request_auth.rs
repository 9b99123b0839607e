//! Authentication of API requests: an access token in `Authorization: Bearer`, in the access cookie
//! (for `/api/v1` only), or in `x-access-token` if that is enabled. A request with several tokens
//! is rejected, because they could belong to different users.

use crate::{
    HttpState,
    context::request_context,
    cookies,
    credentials::{bearer, is_well_formed},
    error::RequestError,
    problem,
};
use axum::{
    extract::{FromRef, FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::Response,
};
use countersign_core::{PresentedCredential, RequestContext, SignedIn};
use countersign_types::Problem;
use std::convert::Infallible;

/// A header in which some older clients send their access token.
pub(crate) const X_ACCESS_TOKEN: &str = "x-access-token";

/// Extracts the credential of an API request. The extractor checks nothing; call
/// [`RequestAuth::signed_in`].
#[derive(Clone)]
pub struct RequestAuth {
    pub(crate) client: RequestContext,
    presented: PresentedToken,
}

/// The access token of a request.
#[derive(Clone)]
enum PresentedToken {
    None,
    /// A credential that is not an access token.
    Malformed,
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
        Ok(Self {
            client: request_context(&parts.extensions),
            presented: presented(&parts.headers, parts.uri.path(), &server),
        })
    }
}

fn presented(headers: &HeaderMap, path: &str, server: &HttpState) -> PresentedToken {
    let mut found = Vec::new();
    let given = headers.contains_key(AUTHORIZATION);
    found.extend(bearer(headers).map(|token| Some(token.to_owned())));
    if server.settings().x_access_token {
        found.extend(headers.get_all(X_ACCESS_TOKEN).iter().map(|value| {
            value.to_str().ok().filter(|token| is_well_formed(token)).map(str::to_owned)
        }));
    }
    if path.starts_with("/api/v1/") {
        found.extend(cookies::access_cookie(headers, server.cookies()).map(Some));
    }
    match (found.pop(), found.is_empty()) {
        // Another credential, such as a password for a proxy, or a malformed token.
        (None, _) if given => PresentedToken::Malformed,
        (None, _) => PresentedToken::None,
        (Some(None), true) => PresentedToken::Malformed,
        (Some(Some(token)), true) => PresentedToken::Token(token),
        (Some(_), false) => PresentedToken::Multiple,
    }
}

impl RequestAuth {
    /// Verifies the access token. Returns the operations of the user, or the error response.
    pub async fn signed_in<'a>(&self, server: &'a HttpState) -> Result<SignedIn<'a>, Response> {
        let Some(token) = self.token()? else {
            return Err(self.error_response(Problem::Unauthenticated.into()));
        };
        server
            .auth()
            .signed_in(&self.client, PresentedCredential::Bearer(token))
            .await
            .map_err(|error| self.error_response(error.into()))
    }

    /// Returns the access token, which may be invalid.
    pub(crate) fn token(&self) -> Result<Option<&str>, Response> {
        match &self.presented {
            PresentedToken::Token(token) => Ok(Some(token)),
            PresentedToken::None | PresentedToken::Malformed => Ok(None),
            PresentedToken::Multiple => Err(two_credentials("Send exactly one access token.")),
        }
    }

    /// Returns the error response. Internal errors are logged.
    pub fn error_response(&self, error: RequestError) -> Response {
        let problem = error.into_problem(&self.client.request_id);
        if matches!(self.presented, PresentedToken::None) {
            problem::response(&problem)
        } else {
            problem::bearer_response(&problem)
        }
    }
}

/// Returns the response for a request with contradicting credentials.
pub(crate) fn two_credentials(detail: &str) -> Response {
    problem::with_detail(StatusCode::BAD_REQUEST, "two_credentials", detail)
}

/// Requires a valid access token for a group of routes: `.route_layer(from_fn_with_state(server,
/// require_access_token))`.
pub async fn require_access_token(
    State(server): State<HttpState>,
    auth: RequestAuth,
    request: Request,
    next: Next,
) -> Response {
    match auth.signed_in(&server).await {
        Ok(_) => next.run(request).await,
        Err(rejection) => rejection,
    }
}
