//! For other programs: what a token is worth (RFC 7662), ending one (RFC 7009), and where all this is (RFC 8414). Errors here are those of
//! RFC 6749, 5.2.

use crate::Server;
use app::edge::report;
use auth::{Client, flow::Inspected, secret::same};
use axum::{
    Extension, Form, Json,
    extract::{State, rejection::FormRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token, and what it is thought to be (which is not needed).
#[derive(Deserialize, ToSchema)]
pub(super) struct TokenForm {
    #[schema(required = true, value_type = String, min_length = 1)]
    token: Option<String>,
    #[serde(rename = "token_type_hint")]
    #[schema(nullable = false)]
    _hint: Option<String>,
}

/// What is wrong (RFC 6749, 5.2).
#[derive(Serialize, ToSchema)]
pub(super) struct OauthError {
    #[schema(example = "invalid_request")]
    error: &'static str,
    error_description: &'static str,
}

fn refuse(status: StatusCode, error: &'static str, error_description: &'static str) -> Response {
    (status, Json(OauthError { error, error_description })).into_response()
}

fn token(form: Result<Form<TokenForm>, FormRejection>) -> Result<String, Response> {
    let form = form.map_err(|rejection| match rejection.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "Send the body as application/x-www-form-urlencoded.")
        }
        _ => refuse(StatusCode::BAD_REQUEST, "invalid_request", "The body must be a form with one `token`."),
    })?;
    form.0.token.filter(|token| !token.is_empty()).ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "invalid_request", "`token` is missing."))
}

fn failed(error: &auth::Error, client: &Client) -> Response {
    let problem = report(error, &client.request_id);
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = refuse(status, "temporarily_unavailable", "Try again in a moment.");
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Ends the session of a token. It is no error if there is none (RFC 7009, 2.2).
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is worth nothing, whether it was ever worth something or not"),
        (status = 400, body = OauthError, description = "No form, or no token in it"),
        (status = 403, body = super::problem::ProblemBody, description = "From a page of another site", content_type = "application/problem+json"),
        (status = 413, body = super::problem::ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
        (status = 415, body = OauthError, description = "Not a form"),
        (status = 503, body = OauthError, description = "Not now; see `Retry-After`"),
    ),
)]
pub(super) async fn revoke(
    State(server): State<Server>,
    Extension(client): Extension<Client>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<StatusCode, Response> {
    let token = token(form)?;
    server.web.auth.revoke(&client, &token).await.map_err(|error| failed(&error, &client))?;
    Ok(StatusCode::OK)
}

/// What a token is worth (RFC 7662, 2.2). Of one that is worth nothing, only that is said.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Bearer")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<String>,
    /// The session.
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

impl From<Inspected> for Introspection {
    fn from(inspected: Inspected) -> Self {
        match inspected {
            Inspected::Access(claims) => Self {
                active: true,
                token_type: Some("Bearer"),
                sub: Some(claims.sub.to_string()),
                sid: Some(claims.sid.to_string()),
                exp: Some(claims.exp),
                iat: Some(claims.iat),
                iss: Some(claims.iss),
                aud: Some(claims.aud),
                jti: Some(claims.jti),
                scope: Some(claims.scope),
                roles: Some(claims.roles.into_iter().map(contract::view::Role::as_str).collect()),
            },
            Inspected::Refresh(session) => Self {
                active: true,
                token_type: Some("refresh_token"),
                sub: Some(session.user_id.to_string()),
                sid: Some(session.id.to_string()),
                exp: Some((session.last_seen_at + session.idle_limit).min(session.expires_at).seconds()),
                iat: Some(session.rotated_at.seconds()),
                ..Self::default()
            },
        }
    }
}

/// Tells a program that knows the introspection secret what a token is worth.
#[utoipa::path(post, path = "/oauth/introspect", tag = "oauth", security(("introspection" = [])),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Introspection),
        (status = 400, body = OauthError, description = "No form, or no token in it"),
        (status = 401, body = OauthError, description = "Not with the introspection secret, or there is none"),
        (status = 403, body = super::problem::ProblemBody, description = "From a page of another site", content_type = "application/problem+json"),
        (status = 413, body = super::problem::ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
        (status = 415, body = OauthError, description = "Not a form"),
        (status = 503, body = OauthError, description = "Not now; see `Retry-After`"),
    ),
)]
pub(super) async fn introspect(
    State(server): State<Server>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Json<Introspection>, Response> {
    let known = server.introspection_secret.as_ref().zip(basic_password(&headers)).is_some_and(|(secret, given)| same(secret.0.as_bytes(), &given));
    if !known {
        let mut response = refuse(StatusCode::UNAUTHORIZED, "invalid_client", "Send the introspection secret as the password of HTTP Basic.");
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"latchkey\""));
        return Err(response);
    }
    let token = token(form)?;
    let inspected = server.web.auth.inspect(&token).await.map_err(|error| failed(&error, &client))?;
    Ok(Json(inspected.map(Introspection::from).unwrap_or_default()))
}

/// The password of `Authorization: Basic` (RFC 7617, 2). The name of the client can be anything.
fn basic_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let pair = STANDARD.decode(credentials.trim_matches(' ')).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// Where everything is, for programs that find their way by themselves (RFC 8414, 2). There are no grants of OAuth here (yet).
#[derive(Serialize, ToSchema)]
pub(super) struct Metadata {
    issuer: String,
    jwks_uri: String,
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 0],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    introspection_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    introspection_endpoint_auth_methods_supported: Option<[&'static str; 1]>,
    service_documentation: String,
}

/// What this server offers to other programs.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", responses((status = 200, body = Metadata)))]
pub(super) async fn metadata(State(server): State<Server>) -> impl IntoResponse {
    let at = |path: &str| format!("{}{path}", server.origin);
    let introspects = server.introspection_secret.is_some();
    let metadata = Metadata {
        issuer: server.origin.to_string(),
        jwks_uri: at("/.well-known/jwks.json"),
        response_types_supported: [],
        grant_types_supported: [],
        revocation_endpoint: at("/oauth/revoke"),
        revocation_endpoint_auth_methods_supported: ["none"],
        introspection_endpoint: introspects.then(|| at("/oauth/introspect")),
        introspection_endpoint_auth_methods_supported: introspects.then_some(["client_secret_basic"]),
        service_documentation: at("/openapi.json"),
    };
    ([(CACHE_CONTROL, "public, max-age=300")], Json(metadata))
}
