//! In and out: sign up, log in, renew, log out.

use super::{
    account::{Me, present},
    body::{Body, MaybeBody, Members},
    caller::{Caller, two_credentials},
    problem::{self, MemberError, ProblemBody},
    refusals::{Limited, Unreadable},
};
use crate::Server;
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Response},
};
use countersign_core::{Issued, Presented};
use countersign_leptos::edge::cookie::{self, CookieNames};
use countersign_types::{
    SessionId,
    form::{LogIn, SignUp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUpBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
    /// 8 characters or more, and at most 1,024 bytes of UTF-8.
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 8, max_length = 1024)]
    password: String,
    /// What they want to be called.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: String,
    /// From the link that the server prints while nobody is an administrator: makes the account
    /// one.
    #[serde(default)]
    invite: String,
    /// Where the tokens go: into the answer, or into cookies that scripts cannot read.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Transport)]
    transport: Option<String>,
}

impl Members for SignUpBody {
    const NAMES: &[&str] = &["email", "password", "name", "invite", "transport"];
}

/// Somebody wants in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 1, max_length = 1024)]
    password: String,
    /// Where the tokens go: into the answer, or into cookies that scripts cannot read.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Transport)]
    transport: Option<String>,
}

impl Members for LogInBody {
    const NAMES: &[&str] = &["email", "password", "transport"];
}

/// A program shows its refresh token; a browser shows its cookie, and may leave the body out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    refresh_token: Option<String>,
}

impl Members for RefreshBody {
    const NAMES: &[&str] = &["refresh_token"];
}

/// What to end, and what shows that one may.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogOutBody {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    refresh_token: Option<String>,
    /// This session, which is what is meant if nothing is said; all others; or all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Scope)]
    scope: Option<String>,
}

impl Members for LogOutBody {
    const NAMES: &[&str] = &["refresh_token", "scope"];
}

/// Where tokens go, and come from.
#[derive(Clone, Copy, PartialEq, Eq, Default, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Transport {
    /// In the answer, and in the body of the next renewal. What is meant if nothing is said.
    #[default]
    Body,
    /// In `HttpOnly` cookies.
    Cookie,
}

impl Transport {
    fn parse(text: Option<&str>) -> Result<Self, Response> {
        one_of(text, "/transport", &[("body", Self::Body), ("cookie", Self::Cookie)])
    }
}

/// Which sessions.
#[derive(Clone, Copy, PartialEq, Eq, Default, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Scope {
    /// The one that is shown.
    #[default]
    This,
    /// All but the one that is shown.
    Others,
    /// All.
    All,
}

impl Scope {
    fn parse(text: Option<&str>) -> Result<Self, Response> {
        one_of(
            text,
            "/scope",
            &[("this", Self::This), ("others", Self::Others), ("all", Self::All)],
        )
    }
}

/// What a member of few values says; where it is not there, the default.
fn one_of<T: Copy + Default>(
    text: Option<&str>,
    pointer: &str,
    values: &[(&str, T)],
) -> Result<T, Response> {
    let Some(text) = text else { return Ok(T::default()) };
    values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
        problem::members(vec![MemberError {
            pointer: pointer.to_owned(),
            code: "unknown_value",
            detail: format!("This must be one of: {}.", names.join(", ")),
        }])
    })
}

/// The tokens of a session, or how long they are good if they went into cookies. `transport` tells
/// which.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum SessionTokens {
    Body(TokensInBody),
    Cookie(TokensInCookies),
}

/// Tokens (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct TokensInBody {
    #[schema(inline)]
    transport: InBody,
    /// To be sent as `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u32,
    /// For the next pair.
    refresh_token: String,
    user: Me,
}

/// What is said of tokens that went into `HttpOnly` cookies.
#[derive(Serialize, ToSchema)]
pub(super) struct TokensInCookies {
    #[schema(inline)]
    transport: InCookies,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u32,
    user: Me,
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

/// The answer that gives out tokens.
fn give(status: StatusCode, issued: Issued, transport: Transport, names: &CookieNames) -> Response {
    let Issued { access, refresh, account, known_browser, .. } = issued;
    let (token_type, expires_in, user) = ("Bearer", access.expires_in, account.into());
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
                cookie::set_cookie(&refresh, names),
                cookie::set_access_cookie(&access, names),
            ];
            cookies
                .extend(known_browser.map(|known| cookie::set_known_browser(&known.token, names)));
            (
                status,
                AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie))),
                Json(body),
            )
                .into_response()
        }
    }
}

/// The answer that replaces the tokens of a session: in the cookies of a request that brings one of
/// its cookies, else in the body.
pub(super) fn replace(
    headers: &HeaderMap,
    issued: Issued,
    auth: &countersign_core::Auth,
    session: SessionId,
    names: &CookieNames,
) -> Response {
    // A cookie of another session stays.
    let has_cookie = cookie::access_cookie(headers, names).is_some()
        || cookie::refresh_cookie(headers, names)
            .is_some_and(|token| auth.session_of(&token) == Some(session));
    give(
        StatusCode::OK,
        issued,
        if has_cookie { Transport::Cookie } else { Transport::Body },
        names,
    )
}

/// Makes an account and signs in.
#[utoipa::path(post, path = "/api/v1/auth/signup", operation_id = "signUp", tag = "auth", request_body = SignUpBody, responses(
    (status = 201, body = SessionTokens, description = "The account exists, and the client is signed in"),
    (status = 409, body = ProblemBody, description = "Somebody has an account with this address", content_type = "application/problem+json"),
    (status = 410, body = ProblemBody, description = "The invitation is over, or was never given out", content_type = "application/problem+json"),
    Limited,
    Unreadable,
))]
pub(super) async fn sign_up(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<SignUpBody>,
) -> Result<Response, Response> {
    let (names, transport) = (&server.web.cookies, Transport::parse(body.transport.as_deref())?);
    let form = SignUp {
        name: body.name,
        email: body.email,
        password: body.password,
        invite: body.invite,
        next: String::new(),
    };
    let replaced = replaced(&headers, transport, names);
    let (_, issued) = server
        .web
        .auth
        .sign_up(&caller.client, &form, replaced.as_deref())
        .await
        .map_err(|error| caller.refuse(error.into()))?;
    Ok(give(StatusCode::CREATED, issued, transport, names))
}

/// Signs in. Whatever is wrong with address or password, the answer is the same.
#[utoipa::path(post, path = "/api/v1/auth/login", operation_id = "logIn", tag = "auth", request_body = LogInBody, responses(
    (status = 200, body = SessionTokens, description = "The client is signed in"),
    (status = 401, body = ProblemBody, description = "Address and password do not match", content_type = "application/problem+json"),
    Limited,
    Unreadable,
))]
pub(super) async fn log_in(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<LogInBody>,
) -> Result<Response, Response> {
    let (names, transport) = (&server.web.cookies, Transport::parse(body.transport.as_deref())?);
    let form = LogIn {
        email: body.email,
        password: body.password,
        next: String::new(),
        keep: "on".to_owned(),
    };
    let replaced = replaced(&headers, transport, names);
    let (_, issued) = server
        .web
        .auth
        .log_in(&caller.client, &form, replaced.as_deref())
        .await
        .map_err(|error| caller.refuse(error.into()))?;
    Ok(give(StatusCode::OK, issued, transport, names))
}

/// The refresh token whose cookie a new one takes the place of: that session ends.
fn replaced(headers: &HeaderMap, transport: Transport, names: &CookieNames) -> Option<String> {
    if transport == Transport::Cookie { cookie::refresh_cookie(headers, names) } else { None }
}

/// Gives the next pair of tokens for a refresh token. It comes in the body or in the cookie, and
/// its successor goes the same way.
#[utoipa::path(post, path = "/api/v1/auth/refresh", operation_id = "refreshTokens", tag = "auth", request_body(content = Option<RefreshBody>, description = "May be left out with the cookie."), responses(
    (status = 200, body = SessionTokens, description = "The next tokens"),
    (status = 401, body = ProblemBody, description = "`invalid_grant`: the session is over; `stale`: another program has renewed twice meanwhile", content_type = "application/problem+json"),
    Limited,
    Unreadable,
))]
pub(super) async fn refresh(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    MaybeBody(body): MaybeBody<RefreshBody>,
) -> Result<Response, Response> {
    let names = &server.web.cookies;
    let (token, transport) =
        match (body.and_then(|body| body.refresh_token), cookie::refresh_cookie(&headers, names)) {
            (Some(_), Some(_)) => {
                return Err(two_credentials(
                    "Send the refresh token in the body or in the cookie, not both.",
                ));
            }
            (Some(token), None) => (token, Transport::Body),
            (None, Some(token)) => (token, Transport::Cookie),
            (None, None) => return Err(problem::invalid_grant()),
        };
    match server.web.auth.refresh(&caller.client, &token).await {
        Ok(issued) => Ok(give(StatusCode::OK, issued, transport, names)),
        Err(error) => {
            if !matches!(error, countersign_core::Error::SignedOut) {
                return Err(caller.refuse(error.into()));
            }
            let mut response = problem::invalid_grant();
            if transport == Transport::Cookie {
                take_cookies(&headers, &mut response, names);
            }
            Err(response)
        }
    }
}

/// Ends the session of the access token, of the refresh token in the body, or of the cookie; or its
/// user's others, or all of them.
#[utoipa::path(post, path = "/api/v1/auth/logout", operation_id = "logOut", tag = "auth", request_body(content = Option<LogOutBody>, description = "May be left out."), security((), ("bearer" = [])), responses(
    (status = 204, description = "They are over, whether they were already or not"),
    (status = 401, body = ProblemBody, description = "No credential that is good; to end this session, one that was good will do", content_type = "application/problem+json"),
    Limited,
    Unreadable,
))]
pub(super) async fn log_out(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    MaybeBody(body): MaybeBody<LogOutBody>,
) -> Result<Response, Response> {
    let (auth, names) = (&server.web.auth, &server.web.cookies);
    let cookie = cookie::refresh_cookie(&headers, names);
    let (given, scope) = body.map_or((None, None), |body| (body.refresh_token, body.scope));
    let scope = Scope::parse(scope.as_deref())?;
    let presented: Vec<_> = [
        caller.token()?.map(Presented::Bearer),
        given.as_deref().map(Presented::Cookie),
        cookie.as_deref().map(Presented::Cookie),
    ]
    .into_iter()
    .flatten()
    .collect();
    match auth.are_of_two_users(&presented).await {
        Ok(false) => {}
        Ok(true) => return Err(two_credentials("Send the credentials of one user.")),
        Err(error) => return Err(caller.refuse(error.into())),
    }
    let mut done = Err(countersign_core::Error::SignedOut);
    for presented in presented {
        let ended = match scope {
            Scope::This => auth.log_out(&caller.client, presented).await,
            Scope::Others => {
                async {
                    auth.signed_in(&caller.client, presented).await?.end_other_sessions().await
                }
                .await
            }
            Scope::All => {
                async { auth.signed_in(&caller.client, presented).await?.end_all_sessions().await }
                    .await
            }
        };
        match ended {
            // Another of them may be good: an access token that has expired beside a refresh token
            // that has not.
            Err(countersign_core::Error::SignedOut | countersign_core::Error::Stale) => {}
            Err(error) => return Err(caller.refuse(error.into())),
            // Each session that is shown ends. The others, and all, are the same whoever asks for
            // them.
            Ok(()) => done = Ok(()),
        }
        if done.is_ok() && scope != Scope::This {
            break;
        }
    }
    done.map_err(|error| caller.refuse(error.into()))?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if scope != Scope::Others {
        take_cookies(&headers, &mut response, names);
    }
    Ok(response)
}

/// Takes away the cookies of a session that is over, from a browser that has sent any.
pub(super) fn take_cookies(headers: &HeaderMap, response: &mut Response, names: &CookieNames) {
    if cookie::refresh_cookie(headers, names).is_none()
        && cookie::access_cookie(headers, names).is_none()
    {
        return;
    }
    for cookie in [cookie::clear_cookie(names), cookie::clear_access_cookie(names)] {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
