//! The token endpoint (RFC 6749, 3.2). It supports one grant: a refresh token is exchanged for the
//! next pair of tokens (RFC 6749, 6). It does the same as `/api/v1/auth/refresh`, in the form that
//! OAuth client libraries expect.

use super::{
    Basic, OauthError, OauthResponses, basic_credentials, failed, form_decoded, given,
    invalid_client, oauth_error, parameters, required,
};
use crate::HttpState;
use axum::{
    Extension, Form, Json,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header::PRAGMA},
    response::{IntoResponse, Response},
};
use countersign_core::{
    IssuedTokens, RequestContext,
    sessions::access_token::{ACCOUNT_SCOPE, ADMIN_SCOPE, CLIENT_ID},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The grants of the token endpoint.
pub(crate) const GRANT_TYPES: [&str; 1] = ["refresh_token"];

/// A token request (RFC 6749, 6).
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// `refresh_token`.
    #[schema(required = true, value_type = String, pattern = "^refresh_token$")]
    grant_type: Option<String>,
    #[schema(required = true, value_type = String, min_length = 1)]
    refresh_token: Option<String>,
    /// `countersign`, the only client. It is public and has no secret.
    #[schema(value_type = String, pattern = "^countersign$")]
    client_id: Option<String>,
    /// Scopes, separated by spaces. The tokens have all scopes of the user.
    #[schema(value_type = String, pattern = "^(account|admin)( (account|admin))*$")]
    scope: Option<String>,
}

/// Tokens (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// The access token, sent as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    expires_in: u32,
    /// The refresh token, for the next pair of tokens.
    refresh_token: String,
    /// The scopes of the access token, separated by spaces.
    scope: String,
}

/// Exchanges a refresh token for the next pair of tokens.
#[utoipa::path(
    post,
    path = "/oauth/token",
    operation_id = "exchangeToken",
    tag = "oauth",
    security(()),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = TokenResponse, description = "The next tokens"),
        (status = 401, body = OauthError, description = "`invalid_client`: the client is unknown"),
        OauthResponses,
    ),
)]
pub(crate) async fn exchange(
    State(server): State<HttpState>,
    Extension(client): Extension<RequestContext>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Response, Response> {
    let TokenRequest { grant_type, refresh_token, client_id, scope } = parameters(form)?;
    if !GRANT_TYPES.contains(&required(grant_type, "`grant_type` is missing.")?.as_str()) {
        return Err(oauth_error(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "`grant_type` must be `refresh_token`.",
        ));
    }
    let named = basic_credentials(&headers).map(|Basic { name, .. }| form_decoded(&name));
    if named.into_iter().chain(given(client_id)).any(|name| name != CLIENT_ID) {
        return Err(invalid_client("`client_id` must be `countersign` or missing."));
    }
    let refresh_token = required(refresh_token, "`refresh_token` is missing.")?;
    if given(scope).is_some_and(|scope| {
        scope.split(' ').any(|scope| ![ACCOUNT_SCOPE, ADMIN_SCOPE].contains(&scope))
    }) {
        return Err(oauth_error(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            "`scope` must be `account`, `admin` or both.",
        ));
    }
    match server.auth().refresh(&client, &refresh_token).await {
        Ok(issued) => {
            Ok(([(PRAGMA, "no-cache")], Json(TokenResponse::from(issued))).into_response())
        }
        Err(
            countersign_core::Error::Unauthenticated | countersign_core::Error::RefreshSuperseded,
        ) => Err(oauth_error(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "The refresh token is invalid, expired, revoked or already used. Log in again.",
        )),
        Err(error) => Err(failed(&error, &client)),
    }
}

impl From<IssuedTokens> for TokenResponse {
    fn from(issued: IssuedTokens) -> Self {
        let IssuedTokens { access, refresh, .. } = issued;
        let (access_token, refresh_token) = (access.token, refresh.token);
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: access.expires_in,
            refresh_token,
            scope: access.scope,
        }
    }
}
