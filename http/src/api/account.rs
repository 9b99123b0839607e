//! The endpoints for the user's own account.

use super::{
    account_body::AccountBody,
    openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses},
    token_response::{SessionTokens, replacement_response},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{
        RequestAuth,
        json_body::{JsonBody, KnownFields, non_null_string},
        pagination::{self, PageQuery},
    },
    problem::{self, MemberError},
    rfc3339::rfc3339,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use countersign_types::{
    forms::{ChangePasswordForm, UpdateProfileForm},
    views::ActivityEvent,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Changes of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    /// The new display name. An empty name removes it.
    #[serde(default, deserialize_with = "non_null_string")]
    #[schema(required = true, value_type = String, max_length = 200)]
    name: Option<String>,
}

impl KnownFields for ChangeBody {
    const FIELDS: &[&str] = &["name"];
}

/// An audit event of the account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Activity {
    id: Uuid,
    /// The kind of event.
    #[schema(example = "logged_in")]
    kind: &'static str,
    #[schema(format = DateTime)]
    at: String,
    /// The browser or program that caused the event.
    #[schema(required = true)]
    device: Option<String>,
    /// The IP address that the request came from.
    #[schema(required = true)]
    address: Option<String>,
}

impl From<ActivityEvent> for Activity {
    fn from(event: ActivityEvent) -> Self {
        Self {
            id: event.id.0,
            kind: event.kind.as_str(),
            at: rfc3339(event.at),
            device: event.device,
            address: event.address,
        }
    }
}

pagination::page_body!(ActivityPage, Activity);

/// Returns the account of the user.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "getMe",
    tag = "me",
    security(("bearer" = [])),
    responses(
        (status = 200, body = AccountBody, description = "The account"),
        AuthResponses,
    ),
)]
pub(crate) async fn me(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<Json<AccountBody>, ApiError> {
    let account = auth.signed_in(&server).await?.account().await;
    Ok(Json(account?.into()))
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
        (status = 200, body = AccountBody, description = "The changed account"),
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn update_me(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<ChangeBody>, Response>,
) -> Result<Json<AccountBody>, ApiError> {
    // Authentication comes first: an anonymous client learns nothing about the body.
    let signed_in = auth.signed_in(&server).await?;
    let Some(name) = body?.0.name else {
        return Err(problem::invalid_members(vec![MemberError {
            pointer: "/name".to_owned(),
            code: "missing",
            detail: "Enter the new name.".to_owned(),
        }])
        .into());
    };
    let account = signed_in
        .update_display_name(&UpdateProfileForm { name })
        .await;
    Ok(Json(account?.into()))
}

/// Lists the audit events of the account, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/me/activity",
    operation_id = "listActivity",
    tag = "me",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, body = ActivityPage, description = "A page of audit events, newest first"),
        AuthResponses,
    ),
)]
pub(crate) async fn activity(
    State(server): State<HttpState>,
    auth: RequestAuth,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<ActivityPage>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    pagination::page_response(query, async |limit, cursor| signed_in.activity(limit, cursor).await)
        .await
}

/// The current and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 1, max_length = 1024)]
    current_password: String,
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 8, max_length = 1024)]
    new_password: String,
}

impl KnownFields for PasswordBody {
    const FIELDS: &[&str] = &["current_password", "new_password"];
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
    request_body = PasswordBody,
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
    body: Result<JsonBody<PasswordBody>, Response>,
) -> Result<Response, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let JsonBody(PasswordBody { current_password, new_password }) = body?;
    let form = ChangePasswordForm { current_password, new_password };
    let issued = signed_in.change_password(&form).await?;
    Ok(replacement_response(&headers, issued, server.auth(), signed_in.session(), server.cookies()))
}
