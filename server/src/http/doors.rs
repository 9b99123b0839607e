//! In and out: sign up, log in, renew, log out.

use super::{
    account::Me,
    body::{Body, MaybeBody, Members},
    caller::Caller,
    problem::{self, ProblemBody},
};
use crate::Server;
use app::edge::cookie;
use auth::{Issued, Presented};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use contract::form::{LogIn, SignUp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUpBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 8, max_length = 1024)]
    password: String,
    /// What they want to be called.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: String,
}

impl Members for SignUpBody {
    const NAMES: &[&str] = &["email", "password", "name"];
}

/// Somebody wants in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
    #[serde(default)]
    #[schema(required = true, format = Password, max_length = 1024)]
    password: String,
}

impl Members for LogInBody {
    const NAMES: &[&str] = &["email", "password"];
}

/// A program shows its refresh token; a browser shows its cookie and sends `{}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    refresh_token: Option<String>,
}

impl Members for RefreshBody {
    const NAMES: &[&str] = &["refresh_token"];
}

/// Tokens (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenBody {
    /// To be sent as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u32,
    /// For the next pair. Not there when it went into the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    user: Me,
}

impl TokenBody {
    fn new(issued: Issued, with_refresh_token: bool) -> Self {
        let refresh_token = with_refresh_token.then_some(issued.refresh.token);
        Self { access_token: issued.access.token, token_type: "Bearer", expires_in: issued.access.expires_in, refresh_token, user: issued.account.into() }
    }
}

/// Makes an account and signs in.
#[utoipa::path(post, path = "/api/v1/auth/signup", tag = "auth", request_body = SignUpBody, responses(
    (status = 201, body = TokenBody),
    (status = 400, body = ProblemBody, description = "Not JSON", content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, description = "Somebody has an account with this address", content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, description = "Not application/json", content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, description = "Members are missing or wrong", content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, description = "Too busy; see Retry-After", content_type = "application/problem+json"),
))]
pub(super) async fn sign_up(State(server): State<Server>, caller: Caller, Body(body): Body<SignUpBody>) -> Result<Response, Response> {
    let form = SignUp { name: body.name, email: body.email, password: body.password, next: String::new() };
    let (_, issued) = server.web.auth.sign_up(&caller.client, &form, None).await.map_err(|error| caller.refuse(error.into()))?;
    Ok((StatusCode::CREATED, Json(TokenBody::new(issued, true))).into_response())
}

/// Signs in. Whatever is wrong with address or password, the answer is the same.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LogInBody, responses(
    (status = 200, body = TokenBody),
    (status = 400, body = ProblemBody, description = "Not JSON", content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, description = "Address and password do not match", content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, description = "Not application/json", content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, description = "Members are missing or wrong", content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, description = "Too busy; see Retry-After", content_type = "application/problem+json"),
))]
pub(super) async fn log_in(State(server): State<Server>, caller: Caller, Body(body): Body<LogInBody>) -> Result<Response, Response> {
    let form = LogIn { email: body.email, password: body.password, next: String::new() };
    let (_, issued) = server.web.auth.log_in(&caller.client, &form, None).await.map_err(|error| caller.refuse(error.into()))?;
    Ok(Json(TokenBody::new(issued, true)).into_response())
}

/// Gives the next pair of tokens for a refresh token. It comes in the body or in the cookie, and its successor goes the same way.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshBody, responses(
    (status = 200, body = TokenBody),
    (status = 400, body = ProblemBody, description = "Not JSON, or a token in both places", content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, description = "The session is over; or `stale`: another program has renewed twice meanwhile", content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, description = "Not application/json", content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, description = "Members are wrong", content_type = "application/problem+json"),
))]
pub(super) async fn refresh(State(server): State<Server>, caller: Caller, headers: HeaderMap, Body(body): Body<RefreshBody>) -> Result<Response, Response> {
    let secure = server.web.secure;
    let cookie = cookie::refresh_cookie(&headers, secure);
    let (token, by_cookie) = match (body.refresh_token, cookie) {
        (Some(_), Some(_)) => {
            return Err(problem::plain_with(StatusCode::BAD_REQUEST, "two_credentials", "Send the refresh token in the body or in the cookie, not both."));
        }
        (Some(token), None) => (token, false),
        (None, Some(token)) => (token, true),
        (None, None) => return Err(caller.refuse(auth::Error::SignedOut.into())),
    };
    match server.web.auth.refresh(&caller.client, &token).await {
        Ok(issued) if by_cookie => {
            let set = cookie::set_cookie(&issued.refresh, secure);
            Ok(([(SET_COOKIE, set)], Json(TokenBody::new(issued, false))).into_response())
        }
        Ok(issued) => Ok(Json(TokenBody::new(issued, true)).into_response()),
        Err(error) => {
            let over = by_cookie && matches!(error, auth::Error::SignedOut);
            let mut response = caller.refuse(error.into());
            if over {
                take_cookie(&mut response, secure);
            }
            Err(response)
        }
    }
}

/// Ends the session of the access token, of the refresh token in the body, or of the cookie.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", request_body = RefreshBody, security((), ("bearer" = [])), responses(
    (status = 204, description = "The session is over, whether it was already or not"),
    (status = 400, body = ProblemBody, description = "Not JSON", content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, description = "No credential that is, or was, good", content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, description = "Not application/json", content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, description = "Members are wrong", content_type = "application/problem+json"),
))]
pub(super) async fn log_out(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    MaybeBody(body): MaybeBody<RefreshBody>,
) -> Result<Response, Response> {
    let secure = server.web.secure;
    let cookie = cookie::refresh_cookie(&headers, secure);
    let given = body.and_then(|body| body.refresh_token);
    let presented: Vec<_> = [caller.token.as_deref().map(Presented::Bearer), given.as_deref().map(Presented::Cookie), cookie.as_deref().map(Presented::Cookie)]
        .into_iter()
        .flatten()
        .collect();
    if presented.is_empty() {
        return Err(caller.refuse(auth::Error::SignedOut.into()));
    }
    let mut ended = false;
    for presented in presented {
        match server.web.auth.log_out(&caller.client, presented).await {
            Ok(()) => ended = true,
            // Another of them may be good: an access token that has expired beside a refresh token that has not.
            Err(auth::Error::SignedOut | auth::Error::Stale) => {}
            Err(error) => return Err(caller.refuse(error.into())),
        }
    }
    if !ended {
        return Err(caller.refuse(auth::Error::SignedOut.into()));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if cookie.is_some() {
        take_cookie(&mut response, secure);
    }
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"storage\""));
    Ok(response)
}

fn take_cookie(response: &mut Response, secure: bool) {
    for cookie in cookie::clear_cookies(secure) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
