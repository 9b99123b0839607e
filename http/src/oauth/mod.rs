//! OAuth endpoints: the token endpoint (`token`), revocation (RFC 7009), introspection (RFC 7662)
//! and metadata (`metadata`). All errors have the form of RFC 6749, 5.2; see [`error_body`].

pub(crate) mod metadata;
pub(crate) mod token;

use crate::{HttpState, challenge::BASIC, error::log_and_convert};
use axum::{
    Extension, Form, Json,
    extract::{State, rejection::FormRejection},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_core::{
    RequestContext,
    server_secret::constant_time_eq,
    sessions::{IntrospectedToken, access_token::CLIENT_ID},
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoResponses, ToSchema};

/// Responses at and below this path have OAuth errors.
pub const OAUTH: &str = "/oauth";

/// A token, with an optional type hint.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokenForm {
    #[schema(required = true, value_type = String, min_length = 1)]
    token: Option<String>,
    #[serde(rename = "token_type_hint")]
    #[schema(nullable = false)]
    _hint: Option<String>,
}

/// A token with an optional type hint, and the client credentials unless HTTP Basic is used.
#[derive(Deserialize, ToSchema)]
pub(crate) struct IntrospectionForm {
    #[schema(required = true, value_type = String, min_length = 1)]
    token: Option<String>,
    #[serde(rename = "token_type_hint")]
    #[schema(nullable = false)]
    _hint: Option<String>,
    /// Any client ID.
    #[serde(rename = "client_id")]
    #[schema(nullable = false)]
    _client: Option<String>,
    /// The introspection secret.
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

/// An OAuth error (RFC 6749, 5.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct OauthError {
    #[schema(example = "invalid_request")]
    error: &'static str,
    error_description: String,
}

/// Responses of all OAuth endpoints.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum OauthResponses {
    /// The body is not a form, or a parameter is missing or invalid.
    #[response(status = 400)]
    Invalid(OauthError),
    /// The request is from a page of another site.
    #[response(status = 403)]
    Foreign(OauthError),
    /// The body exceeds 64 KiB.
    #[response(status = 413)]
    TooLarge(OauthError),
    /// The body is not `application/x-www-form-urlencoded`.
    #[response(status = 415)]
    NotForm(OauthError),
    /// Temporarily unavailable; see `Retry-After`.
    #[response(status = 503)]
    Unavailable(OauthError),
}

fn oauth_error(status: StatusCode, error: &'static str, description: &str) -> Response {
    (status, Json(OauthError { error, error_description: description.to_owned() })).into_response()
}

/// Returns the body of an error response that a middleware has created. OAuth clients expect
/// `error` in every response other than 200.
pub fn error_body(status: StatusCode, description: &str) -> Vec<u8> {
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            "temporarily_unavailable"
        }
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    };
    // The characters that RFC 6749, 5.2 allows.
    let allowed =
        |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    let error_description = description
        .chars()
        .map(|character| if allowed(character) { character } else { '\'' })
        .collect();
    serde_json::to_vec(&OauthError { error, error_description }).unwrap_or_default()
}

/// Returns the parameters of a request.
fn parameters<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Response> {
    match form {
        Ok(Form(parameters)) => Ok(parameters),
        Err(rejection) if rejection.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Err(oauth_error(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_request",
                "Send the body as application/x-www-form-urlencoded.",
            ))
        }
        Err(_) => Err(oauth_error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The body must be a form with each parameter once.",
        )),
    }
}

/// A parameter without a value counts as missing (RFC 6749, 3.2).
fn given(parameter: Option<String>) -> Option<String> {
    parameter.filter(|value| !value.is_empty())
}

fn required(parameter: Option<String>, missing: &str) -> Result<String, Response> {
    given(parameter).ok_or_else(|| oauth_error(StatusCode::BAD_REQUEST, "invalid_request", missing))
}

/// Returns a 401 with a challenge for the scheme that the client can use (RFC 6749, 5.2).
fn invalid_client(description: &str) -> Response {
    let mut response = oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", description);
    response.headers_mut().insert(WWW_AUTHENTICATE, BASIC);
    response
}

fn failed(error: &countersign_core::Error, client: &RequestContext) -> Response {
    let problem = log_and_convert(error, &client.request_id);
    let status =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = oauth_error(status, "temporarily_unavailable", "Try again in a moment.");
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

const TOKEN_MISSING: &str = "`token` is missing.";

/// Revokes the session of a token.
///
/// It is not an error if there is none (RFC 7009, 2.2).
#[utoipa::path(
    post,
    path = "/oauth/revoke",
    operation_id = "revokeToken",
    tag = "oauth",
    security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is invalid, now or already before"),
        OauthResponses,
    ),
)]
pub(crate) async fn revoke(
    State(server): State<HttpState>,
    Extension(client): Extension<RequestContext>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<StatusCode, Response> {
    let token = required(parameters(form)?.token, TOKEN_MISSING)?;
    server.auth().revoke(&client, &token).await.map_err(|error| failed(&error, &client))?;
    Ok(StatusCode::OK)
}

/// The state of a token (RFC 7662, 2.2). An inactive token has no other members.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Bearer")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<String>,
    /// The session ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    roles: Option<Vec<&'static str>>,
}

impl From<IntrospectedToken> for Introspection {
    fn from(inspected: IntrospectedToken) -> Self {
        match inspected {
            IntrospectedToken::Access(claims) => Self {
                active: true,
                token_type: Some("Bearer"),
                client_id: Some(CLIENT_ID),
                sub: Some(claims.sub.to_string()),
                sid: Some(claims.sid.to_string()),
                exp: Some(claims.exp),
                iat: Some(claims.iat),
                iss: Some(claims.iss.clone()),
                aud: Some(claims.aud.clone()),
                jti: Some(claims.jti.clone()),
                scope: Some(claims.scope.clone()),
                roles: Some(
                    claims
                        .roles
                        .iter()
                        .copied()
                        .map(countersign_types::views::Role::as_str)
                        .collect(),
                ),
            },
            IntrospectedToken::Refresh(session) => Self {
                active: true,
                token_type: Some("refresh_token"),
                client_id: Some(CLIENT_ID),
                sub: Some(session.user_id.to_string()),
                sid: Some(session.id.to_string()),
                exp: Some(
                    (session.last_seen_at + session.idle_limit).min(session.expires_at).seconds(),
                ),
                iat: Some(session.rotated_at.seconds()),
                ..Self::default()
            },
        }
    }
}

/// Returns the state of a token to a program with the introspection secret.
#[utoipa::path(
    post,
    path = "/oauth/introspect",
    operation_id = "introspectToken",
    tag = "oauth",
    security(("introspection" = [])),
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Introspection, description = "The state of the token"),
        (
            status = 401,
            body = OauthError,
            description = "The introspection secret is wrong, or none is configured",
        ),
        OauthResponses,
    ),
)]
pub(crate) async fn introspect(
    State(server): State<HttpState>,
    Extension(client): Extension<RequestContext>,
    headers: HeaderMap,
    form: Result<Form<IntrospectionForm>, FormRejection>,
) -> Result<Json<Introspection>, Response> {
    let basic = basic_credentials(&headers);
    let posted = form.as_ref().ok().and_then(|form| form.client_secret.as_deref());
    let is_known = server.settings().introspection_secret.as_ref().is_some_and(|secret| {
        let is_secret = |given: &[u8]| constant_time_eq(secret.as_bytes(), given);
        // The password is compared as sent and form-decoded (RFC 6749, 2.3.1): the secret has no
        // characters that need encoding, and curl doesn't encode.
        basic.is_some_and(|Basic { password, .. }| {
            is_secret(&password) || is_secret(form_decoded(&password).as_bytes())
        }) || posted.is_some_and(|given| is_secret(given.as_bytes()))
    });
    if !is_known {
        return Err(invalid_client(
            "Send the introspection secret as the password of HTTP Basic, or as `client_secret`.",
        ));
    }
    let token = required(parameters(form)?.token, TOKEN_MISSING)?;
    let inspected =
        server.auth().introspect(&token).await.map_err(|error| failed(&error, &client))?;
    Ok(Json(inspected.map(Introspection::from).unwrap_or_default()))
}

/// The content of `Authorization: Basic` (RFC 7617, 2), before the form-decoding of RFC 6749,
/// 2.3.1.
struct Basic {
    name: Vec<u8>,
    password: Vec<u8>,
}

fn basic_credentials(headers: &HeaderMap) -> Option<Basic> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let pair = STANDARD
        .decode(credentials.trim_matches(' '))
        .ok()
        .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (name, password) = pair.split_at_checked(pair.iter().position(|byte| *byte == b':')?)?;
    Some(Basic { name: name.to_vec(), password: password[1..].to_vec() })
}

/// Decodes one value of `application/x-www-form-urlencoded`.
fn form_decoded(value: &[u8]) -> String {
    form_urlencoded::parse(value)
        .next()
        .map(|(decoded, _)| decoded.into_owned())
        .unwrap_or_default()
}
