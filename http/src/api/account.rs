//! The endpoints for the user's own account.

use super::{
    openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses},
    token_response::{SessionTokens, replacement_response},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{
        RequestAuth,
        json_body::JsonBody,
        pagination::{self, PageQuery},
    },
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use countersign_types::{
    ActivityFilter,
    forms::{ChangePasswordForm, CurrentPasswordForm, UpdateProfileForm},
    views::{Account, ActivityEventPage},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// Changes of the account. In contrast to a form, the name must be present: an omitted member means
/// no change, not an empty one.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// The new display name. An empty name removes it.
    #[serde(default)]
    #[schema(required = true, value_type = String, max_length = 200)]
    name: Option<String>,
}

/// The query of the activity list: a filter, and the members of [`PageQuery`], which describes
/// those.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityQuery {
    show: Option<String>,
    limit: Option<u16>,
    cursor: Option<String>,
}

/// Returns the account of the user.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "getMe",
    tag = "me",
    security(("bearer" = [])),
    responses(
        (status = 200, body = Account, description = "The account"),
        AuthResponses,
    ),
)]
pub(crate) async fn me(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<Json<Account>, ApiError> {
    let account = auth.signed_in(&server).await?.account().await;
    Ok(Json(account?))
}

/// Changes the display name.
#[utoipa::path(
    patch,
    path = "/api/v1/me",
    operation_id = "updateMe",
    tag = "me",
    security(("bearer" = [])),
    request_body = ChangeBody,
    responses(
        (status = 200, body = Account, description = "The changed account"),
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn update_me(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<ChangeBody>, Response>,
) -> Result<Json<Account>, ApiError> {
    // Authentication comes first: an anonymous client learns nothing about the body.
    let signed_in = auth.signed_in(&server).await?;
    let Some(name) = body?.0.name else {
        return Err(ApiError::invalid_member("/name", "missing", "Enter the new name."));
    };
    let account = signed_in.update_display_name(&UpdateProfileForm { name }).await;
    Ok(Json(account?))
}

/// Lists the audit events of the account, newest first.
///
/// A filtered page reads a limited number of events. If they contain fewer than `limit` that match,
/// the page is short, or empty, and `next_cursor` continues the search.
#[utoipa::path(
    get,
    path = "/api/v1/me/activity",
    operation_id = "listActivity",
    tag = "me",
    security(("bearer" = [])),
    params(
        (
            "show" = inline(Option<ActivityFilter>),
            Query,
            description = "Which events to list. `log-ins`: log-ins, log-outs and sessions. \
                `changes`: all others. `warnings`: those of both that need attention. \
                Default: `all`.",
        ),
        PageQuery,
    ),
    responses(
        (
            status = 200,
            body = ActivityEventPage,
            description = "A page of audit events, newest first",
        ),
        AuthResponses,
    ),
)]
pub(crate) async fn activity(
    State(server): State<HttpState>,
    auth: RequestAuth,
    query: Result<Query<ActivityQuery>, QueryRejection>,
) -> Result<Json<ActivityEventPage>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let Ok(Query(ActivityQuery { show, limit, cursor })) = query else {
        return Err(pagination::bad_request(
            "The query accepts `show`, `limit`, a number from 1 to 100, and `cursor`.",
        ));
    };
    let filter = show.map_or(Some(ActivityFilter::All), |name| ActivityFilter::from_name(&name));
    let Some(filter) = filter else {
        let names = ActivityFilter::ALL.map(ActivityFilter::as_str).join(", ");
        return Err(pagination::bad_request(&format!("`show` must be one of: {names}.")));
    };
    pagination::page_response(Ok(Query(PageQuery { limit, cursor })), async |limit, cursor| {
        signed_in.activity(filter, limit, cursor).await
    })
    .await
}

/// Verifies the password, for operations that require a fresh authentication.
///
/// The next refresh issues an access token with the new `auth_time`.
#[utoipa::path(
    post,
    path = "/api/v1/me/password/confirm",
    operation_id = "confirmPassword",
    tag = "me",
    security(("bearer" = [])),
    request_body = CurrentPasswordForm,
    responses(
        (status = 204, description = "The password is correct"),
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn confirm_password(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<CurrentPasswordForm>, Response>,
) -> Result<StatusCode, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let JsonBody(form) = body?;
    signed_in.confirm_password(&form).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the password and revokes all other sessions.
///
/// All tokens of this session are revoked as well. The response contains new ones: in cookies if
/// the request has cookies, otherwise in the body.
#[utoipa::path(
    post,
    path = "/api/v1/me/password",
    operation_id = "changePassword",
    tag = "me",
    security(("bearer" = [])),
    request_body = ChangePasswordForm,
    responses(
        (
            status = 200,
            body = SessionTokens,
            description = "The password is changed. The new tokens of this session",
        ),
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn change_password(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    body: Result<JsonBody<ChangePasswordForm>, Response>,
) -> Result<Response, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let JsonBody(form) = body?;
    let issued = signed_in.change_password(&form).await?;
    Ok(replacement_response(&headers, issued, server.auth(), signed_in.session(), server.cookies()))
}
