//! The authentication endpoints: sign-up, log-in, token refresh, log-out.

use super::{
    openapi_responses::{BodyResponses, RateLimitResponses},
    token_response::{
        SessionTokens, Transport, clear_session_cookies, replaced_session_token, step_response,
        token_response,
    },
};
use crate::{
    HttpState, cookies,
    error::ApiError,
    extract::{
        RequestAuth,
        json_body::{JsonBody, OptionalJsonBody, one_of},
        two_credentials,
    },
    problem::{self, ProblemBody},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use countersign_core::{PresentedCredential, one_time_links::LinkPurpose};
use countersign_types::{
    forms::{LogInForm, SignUpForm},
    views::PendingVerification,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// The sign-up request: the form, and where the tokens are sent.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignUpBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
    /// At least 8 characters, and at most 1,024 bytes of UTF-8.
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 8, max_length = 1024)]
    password: String,
    /// The display name.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: String,
    /// The setup token, from the link that the server prints while there is no administrator. It
    /// makes the account an administrator.
    #[serde(default)]
    setup_token: String,
    /// The token in the link of an invitation, which is for this email address.
    #[serde(default)]
    invitation_token: String,
    /// The transport of the tokens. Values: `body` (default), or `cookie` for `HttpOnly`
    /// cookies.
    #[serde(default)]
    #[schema(value_type = Transport)]
    transport: Option<String>,
}

/// The log-in request: the credentials, and where the tokens are sent. The session of a program is
/// always persistent.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LogInBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 1, max_length = 1024)]
    password: String,
    /// The transport of the tokens. Values: `body` (default), or `cookie` for `HttpOnly`
    /// cookies.
    #[serde(default)]
    #[schema(value_type = Transport)]
    transport: Option<String>,
}

/// The token refresh request. A program sends its refresh token; a browser sends its cookie, and
/// may omit the body.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RefreshBody {
    #[serde(default)]
    #[schema(value_type = String)]
    refresh_token: Option<String>,
}

/// The log-out request: the sessions to end, and optionally a refresh token as credential.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LogOutBody {
    #[serde(default)]
    #[schema(value_type = String)]
    refresh_token: Option<String>,
    /// The sessions to end. Values: `this` (default), `others` or `all`.
    #[serde(default)]
    #[schema(value_type = Scope)]
    scope: Option<String>,
}

/// The sessions that a log-out ends.
#[derive(Clone, Copy, PartialEq, Eq, Default, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// The session of the credential.
    #[default]
    This,
    /// All other sessions of the user.
    Others,
    /// All sessions of the user.
    All,
}

impl Scope {
    fn parse(text: Option<&str>) -> Result<Self, ApiError> {
        one_of(
            text,
            "/scope",
            &[("this", Self::This), ("others", Self::Others), ("all", Self::All)],
        )
    }
}

/// Creates an account and logs in.
///
/// If addresses must be verified, the response is 202 for every address, and the account is created
/// with the code from the email: see `verifyEmail`. An invitation that was sent to the address
/// verifies it.
#[utoipa::path(
    post,
    path = "/api/v1/auth/signup",
    operation_id = "signUp",
    tag = "auth",
    security(()),
    request_body = SignUpBody,
    responses(
        (
            status = 201,
            body = SessionTokens,
            description = "The account is created and the client is logged in",
        ),
        (
            status = 202,
            body = PendingVerification,
            description = "The sign-up continues with the code from the email",
        ),
        (
            status = 409,
            body = ProblemBody,
            description = "An account with this email address exists",
            content_type = "application/problem+json",
        ),
        (
            status = 410,
            body = ProblemBody,
            description = "The setup token or the invitation is invalid, expired or already used",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn sign_up(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SignUpBody>,
) -> Result<Response, ApiError> {
    let (names, transport) = (server.cookies(), Transport::parse(body.transport.as_deref())?);
    let SignUpBody { name, email, password, setup_token, invitation_token, .. } = body;
    let is_set_up = !setup_token.is_empty();
    if is_set_up && !invitation_token.is_empty() {
        let detail = "Send setup_token or invitation_token, not both.";
        return Err(ApiError::invalid_member("/invitation_token", "conflict", detail));
    }
    let link_token = if is_set_up { setup_token } else { invitation_token };
    // Neither member accepts a token of the other.
    let purpose = server.auth().link_purpose(&link_token);
    if is_set_up != (purpose == Some(LinkPurpose::SetUp)) {
        return Err(countersign_core::Error::LinkExpired.into());
    }
    let form = SignUpForm { name, email, password, link_token };
    let replaced = replaced_session_token(&headers, transport, names);
    let step = server.auth().sign_up(&auth.client, &form, replaced.as_deref()).await?;
    Ok(step_response(StatusCode::CREATED, step, transport, names))
}

/// Logs in.
///
/// The response doesn't reveal whether the email address or the password was wrong. If the address
/// must be verified and is not, the response to the correct password is 202: see `verifyEmail`.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    operation_id = "logIn",
    tag = "auth",
    security(()),
    request_body = LogInBody,
    responses(
        (status = 200, body = SessionTokens, description = "The client is logged in"),
        (
            status = 202,
            body = PendingVerification,
            description = "The log-in continues with the code from the email",
        ),
        (
            status = 401,
            body = ProblemBody,
            description = "Incorrect email address or password",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn log_in(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    JsonBody(body): JsonBody<LogInBody>,
) -> Result<Response, ApiError> {
    let (names, transport) = (server.cookies(), Transport::parse(body.transport.as_deref())?);
    let form = LogInForm { email: body.email, password: body.password, remember_me: true };
    let replaced = replaced_session_token(&headers, transport, names);
    let step = server.auth().log_in(&auth.client, &form, replaced.as_deref()).await?;
    Ok(step_response(StatusCode::OK, step, transport, names))
}

/// Exchanges a refresh token for the next pair of tokens.
///
/// The new refresh token is returned where the old one came from: in the body or in the cookie.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    operation_id = "refreshTokens",
    tag = "auth",
    security(()),
    request_body(content = Option<RefreshBody>, description = "Optional if the cookie is sent."),
    responses(
        (status = 200, body = SessionTokens, description = "The next tokens"),
        (
            status = 401,
            body = ProblemBody,
            description = "`invalid_grant`: the session has ended; `refresh_superseded`: another \
                           program has refreshed twice in the meantime",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn refresh(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody<RefreshBody>,
) -> Result<Response, ApiError> {
    let names = server.cookies();
    let (token, transport) = match (
        body.and_then(|body| body.refresh_token),
        cookies::refresh_cookie(&headers, names),
    ) {
        (Some(_), Some(_)) => {
            return Err(two_credentials(
                "Send the refresh token in the body or in the cookie, not in both.",
            )
            .into());
        }
        (Some(token), None) => (token, Transport::Body),
        (None, Some(token)) => (token, Transport::Cookie),
        (None, None) => return Err(problem::invalid_grant().into()),
    };
    match server.auth().refresh(&auth.client, &token).await {
        Ok(issued) => Ok(token_response(StatusCode::OK, issued, transport, names)),
        Err(error) => {
            if !matches!(error, countersign_core::Error::Unauthenticated) {
                return Err(error.into());
            }
            let mut response = problem::invalid_grant();
            if transport == Transport::Cookie {
                clear_session_cookies(&headers, &mut response, names);
            }
            Err(response.into())
        }
    }
}

/// Logs out.
///
/// Ends the session of the access token, of the refresh token in the body, or of the cookie. With
/// another `scope`, ends the other sessions of the user, or all of them.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    operation_id = "logOut",
    tag = "auth",
    request_body(content = Option<LogOutBody>, description = "Optional."),
    security((), ("bearer" = [])),
    responses(
        (status = 204, description = "The sessions have ended, now or earlier"),
        (
            status = 401,
            body = ProblemBody,
            description = "No valid credential. To end this session, an expired credential is \
                           sufficient",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn log_out(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody<LogOutBody>,
) -> Result<Response, ApiError> {
    let (service, names) = (server.auth(), server.cookies());
    let cookie = cookies::refresh_cookie(&headers, names);
    let (given, scope) = body.map_or((None, None), |body| (body.refresh_token, body.scope));
    let scope = Scope::parse(scope.as_deref())?;
    let presented: Vec<_> = [
        auth.token()?.map(PresentedCredential::Bearer),
        given.as_deref().map(PresentedCredential::Cookie),
        cookie.as_deref().map(PresentedCredential::Cookie),
    ]
    .into_iter()
    .flatten()
    .collect();
    match service.belong_to_different_users(&presented).await {
        Ok(false) => {}
        Ok(true) => return Err(two_credentials("Send the credentials of one user.").into()),
        Err(error) => return Err(error.into()),
    }
    let mut done = Err(countersign_core::Error::Unauthenticated);
    for presented in presented {
        let result = match scope {
            Scope::This => service.log_out(&auth.client, presented).await,
            Scope::Others => {
                async {
                    service.signed_in(&auth.client, presented).await?.revoke_other_sessions().await
                }
                .await
            }
            Scope::All => {
                async {
                    service.signed_in(&auth.client, presented).await?.revoke_all_sessions().await
                }
                .await
            }
        };
        match result {
            // Another credential may be valid, such as a refresh token beside an expired access
            // token.
            Err(
                countersign_core::Error::Unauthenticated
                | countersign_core::Error::RefreshSuperseded,
            ) => {}
            Err(error) => return Err(error.into()),
            // With `this`, the session of each credential ends. The other scopes give the same
            // result for every credential of the user.
            Ok(()) => done = Ok(()),
        }
        if done.is_ok() && scope != Scope::This {
            break;
        }
    }
    done?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if scope != Scope::Others {
        clear_session_cookies(&headers, &mut response, names);
    }
    Ok(response)
}
