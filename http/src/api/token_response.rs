//! Responses with the tokens of a session, in the body or in cookies.

use crate::{
    cookies::{self, CookieNames},
    error::ApiError,
    extract::json_body::one_of,
};
use axum::{
    Json,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Response},
};
use countersign_core::{IssuedTokens, accounts::LogInStep};
use countersign_types::{
    SessionId,
    views::{Account, PendingVerification},
};
use serde::Serialize;
use utoipa::ToSchema;

/// How tokens are transported.
#[derive(Clone, Copy, PartialEq, Eq, Default, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// In the response body, and in the body of the next refresh request.
    #[default]
    Body,
    /// In `HttpOnly` cookies.
    Cookie,
}

impl Transport {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, ApiError> {
        one_of(text, "/transport", &[("body", Self::Body), ("cookie", Self::Cookie)])
    }
}

/// The tokens of a session, or only their lifetime if they are in cookies. `transport` indicates
/// which.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SessionTokens {
    Body(TokensInBody),
    Cookie(TokensInCookies),
}

/// Tokens in the response body (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensInBody {
    #[schema(inline)]
    transport: InBody,
    /// The access token, sent as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    expires_in: u32,
    /// The refresh token, for the next pair of tokens.
    refresh_token: String,
    user: Account,
}

/// Tokens in `HttpOnly` cookies.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokensInCookies {
    #[schema(inline)]
    transport: InCookies,
    /// `Bearer`.
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    expires_in: u32,
    user: Account,
}

/// The tokens are in this body.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InBody {
    Body,
}

/// The tokens are in cookies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InCookies {
    Cookie,
}

/// Returns a response with tokens.
pub(crate) fn token_response(
    status: StatusCode,
    issued: IssuedTokens,
    transport: Transport,
    names: &CookieNames,
) -> Response {
    let IssuedTokens { access, refresh, account, device_cookie, .. } = issued;
    let (token_type, expires_in, user) = ("Bearer", access.expires_in, account);
    match transport {
        Transport::Body => {
            let (access_token, refresh_token) = (access.token, refresh.token);
            let body = TokensInBody {
                transport: InBody::Body,
                access_token,
                token_type,
                expires_in,
                refresh_token,
                user,
            };
            (status, Json(SessionTokens::Body(body))).into_response()
        }
        Transport::Cookie => {
            let body = SessionTokens::Cookie(TokensInCookies {
                transport: InCookies::Cookie,
                token_type,
                expires_in,
                user,
            });
            let mut cookies = vec![
                cookies::set_refresh_cookie(&refresh, names),
                cookies::set_access_cookie(&access, names),
            ];
            cookies
                .extend(device_cookie.map(|known| cookies::set_device_cookie(&known.token, names)));
            (
                status,
                AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie))),
                Json(body),
            )
                .into_response()
        }
    }
}

/// Returns the response to a sign-up or log-in: tokens, or what continues it.
pub(crate) fn step_response(
    status: StatusCode,
    step: LogInStep,
    transport: Transport,
    names: &CookieNames,
) -> Response {
    match step {
        LogInStep::SignedIn(issued) => token_response(status, *issued, transport, names),
        LogInStep::NeedsVerification(verification_id) => {
            (StatusCode::ACCEPTED, Json(PendingVerification { verification_id })).into_response()
        }
    }
}

/// Returns the refresh token of the session that is replaced by new cookies, and ends.
pub(crate) fn replaced_session_token(
    headers: &HeaderMap,
    transport: Transport,
    names: &CookieNames,
) -> Option<String> {
    if transport == Transport::Cookie { cookies::refresh_cookie(headers, names) } else { None }
}

/// Returns a response that replaces the tokens of a session: in cookies if the request has a cookie
/// of this session, otherwise in the body.
pub(crate) fn replacement_response(
    headers: &HeaderMap,
    issued: IssuedTokens,
    auth: &countersign_core::Auth,
    session: SessionId,
    names: &CookieNames,
) -> Response {
    // A cookie of another session is not replaced.
    let has_cookie = cookies::access_cookie(headers, names).is_some()
        || cookies::refresh_cookie(headers, names)
            .is_some_and(|token| auth.session_of(&token) == Some(session));
    token_response(
        StatusCode::OK,
        issued,
        if has_cookie { Transport::Cookie } else { Transport::Body },
        names,
    )
}

/// Clears the session cookies of a browser that has sent any.
pub(crate) fn clear_session_cookies(
    headers: &HeaderMap,
    response: &mut Response,
    names: &CookieNames,
) {
    if cookies::refresh_cookie(headers, names).is_none()
        && cookies::access_cookie(headers, names).is_none()
    {
        return;
    }
    for cookie in [cookies::clear_refresh_cookie(names), cookies::clear_access_cookie(names)] {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
