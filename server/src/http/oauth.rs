//! For OAuth clients: the token endpoint ([`token`]), revocation (RFC 7009), introspection (RFC
//! 7662), metadata ([`metadata`]). Errors here are those of RFC 6749, 5.2, whoever makes them: see
//! [`refusal`].

pub(super) mod metadata;
pub(super) mod token;

use crate::Server;
use axum::{
    Extension, Form, Json,
    extract::{State, rejection::FormRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_core::{Client, flow::Inspected, secret::same, token::CLIENT_ID};
use countersign_leptos::edge::report;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoResponses, ToSchema};

/// Everything at or below this path answers in the terms of OAuth.
pub(crate) const OAUTH: &str = "/oauth";

/// A token, and what it is thought to be (which is not needed).
#[derive(Deserialize, ToSchema)]
pub(super) struct TokenForm {
    #[schema(required = true, value_type = String, min_length = 1)]
    token: Option<String>,
    #[serde(rename = "token_type_hint")]
    #[schema(nullable = false)]
    _hint: Option<String>,
}

/// A token, what it is thought to be, and who asks, unless HTTP Basic says so.
#[derive(Deserialize, ToSchema)]
pub(super) struct IntrospectionForm {
    #[schema(required = true, value_type = String, min_length = 1)]
    token: Option<String>,
    #[serde(rename = "token_type_hint")]
    #[schema(nullable = false)]
    _hint: Option<String>,
    /// Any name.
    #[serde(rename = "client_id")]
    #[schema(nullable = false)]
    _client: Option<String>,
    /// The introspection secret.
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

/// What is wrong (RFC 6749, 5.2).
#[derive(Serialize, ToSchema)]
pub(super) struct OauthError {
    #[schema(example = "invalid_request")]
    error: &'static str,
    error_description: String,
}

/// Refusals that all requests to OAuth endpoints share.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum OauthRefusals {
    /// Not a form, or a parameter is missing or wrong.
    #[response(status = 400)]
    Invalid(OauthError),
    /// From a page of another site.
    #[response(status = 403)]
    Foreign(OauthError),
    /// More than 64 KiB.
    #[response(status = 413)]
    TooLarge(OauthError),
    /// Not `application/x-www-form-urlencoded`.
    #[response(status = 415)]
    NotForm(OauthError),
    /// Not now; see `Retry-After`.
    #[response(status = 503)]
    Unavailable(OauthError),
}

fn refuse(status: StatusCode, error: &'static str, description: &str) -> Response {
    (status, Json(OauthError { error, error_description: description.to_owned() })).into_response()
}

/// The body of a refusal that was made by a layer, which knows nothing of OAuth: clients look for
/// `error` in every response that is not 200.
pub(crate) fn refusal(status: StatusCode, description: &str) -> Vec<u8> {
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            "temporarily_unavailable"
        }
        status if status.is_server_error() => "server_error",
        _ => "invalid_request",
    };
    // RFC 6749, 5.2 allows these characters and no others.
    let allowed =
        |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    let error_description = description
        .chars()
        .map(|character| if allowed(character) { character } else { '\'' })
        .collect();
    serde_json::to_vec(&OauthError { error, error_description }).unwrap_or_default()
}

/// The parameters of a request.
fn parameters<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Response> {
    match form {
        Ok(Form(parameters)) => Ok(parameters),
        Err(rejection) if rejection.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE => Err(refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid_request",
            "Send the body as application/x-www-form-urlencoded.",
        )),
        Err(_) => Err(refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The body must be a form with each parameter once.",
        )),
    }
}

/// A parameter without a value is treated as if it had been left out (RFC 6749, 3.2).
fn given(parameter: Option<String>) -> Option<String> {
    parameter.filter(|value| !value.is_empty())
}

fn required(parameter: Option<String>, missing: &str) -> Result<String, Response> {
    given(parameter).ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "invalid_request", missing))
}

/// RFC 6749, 5.2: a 401 with a challenge of the scheme that the client can use.
fn invalid_client(description: &str) -> Response {
    let mut response = refuse(StatusCode::UNAUTHORIZED, "invalid_client", description);
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"countersign\""));
    response
}

fn failed(error: &countersign_core::Error, client: &Client) -> Response {
    let problem = report(error, &client.request_id);
    let status =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = refuse(status, "temporarily_unavailable", "Try again in a moment.");
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

const TOKEN_MISSING: &str = "`token` is missing.";

/// Ends the session of a token. It is no error if there is none (RFC 7009, 2.2).
#[utoipa::path(post, path = "/oauth/revoke", operation_id = "revokeToken", tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token is worth nothing, whether it was ever worth something or not"),
        OauthRefusals,
    ),
)]
pub(super) async fn revoke(
    State(server): State<Server>,
    Extension(client): Extension<Client>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<StatusCode, Response> {
    let token = required(parameters(form)?.token, TOKEN_MISSING)?;
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
    client_id: Option<&'static str>,
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
                client_id: Some(CLIENT_ID),
                sub: Some(claims.sub.to_string()),
                sid: Some(claims.sid.to_string()),
                exp: Some(claims.exp),
                iat: Some(claims.iat),
                iss: Some(claims.iss),
                aud: Some(claims.aud),
                jti: Some(claims.jti),
                scope: Some(claims.scope),
                roles: Some(
                    claims.roles.into_iter().map(countersign_types::view::Role::as_str).collect(),
                ),
            },
            Inspected::Refresh(session) => Self {
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

/// Tells a program that knows the introspection secret what a token is worth.
#[utoipa::path(post, path = "/oauth/introspect", operation_id = "introspectToken", tag = "oauth", security(("introspection" = [])),
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Introspection, description = "What the token is worth"),
        (status = 401, body = OauthError, description = "Not with the introspection secret, or there is none"),
        OauthRefusals,
    ),
)]
pub(super) async fn introspect(
    State(server): State<Server>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Result<Form<IntrospectionForm>, FormRejection>,
) -> Result<Json<Introspection>, Response> {
    let basic = basic_credentials(&headers);
    let posted = form.as_ref().ok().and_then(|form| form.client_secret.as_deref());
    let is_known = server.introspection_secret.as_ref().is_some_and(|secret| {
        let is_secret = |given: &[u8]| same(secret.0.as_bytes(), given);
        // Before RFC 6749, 2.3.1 is decoded and after: the secret has no character for which it
        // matters, and curl does not encode.
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
        server.web.auth.inspect(&token).await.map_err(|error| failed(&error, &client))?;
    Ok(Json(inspected.map(Introspection::from).unwrap_or_default()))
}

/// What `Authorization: Basic` holds (RFC 7617, 2), not decoded yet as RFC 6749, 2.3.1 has it.
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
