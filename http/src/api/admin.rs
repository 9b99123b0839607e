//! The endpoints for administrators, which require an access token with the scope `admin`. Those
//! for invitations are in [`super::invitations`].

use super::openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses};
use crate::{
    HttpState,
    error::ApiError,
    extract::{
        RequestAuth,
        json_body::JsonBody,
        pagination::{self, PageQuery},
        path_id::PathId,
    },
    problem::ProblemBody,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use countersign_core::admin::{Admin, AdminAction};
use countersign_types::{
    Problem, UserId,
    views::{AdminUser, Paginated, Role},
};
use serde::Deserialize;
use utoipa::{IntoResponses, ToSchema};

/// A page of the list of accounts.
type UserPage = Paginated<AdminUser>;

/// The new role.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RoleBody {
    #[serde(default)]
    #[schema(required = true, value_type = Role)]
    role: String,
}

/// Responses of all operations that require an administrator.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum AdminResponses {
    /// The access token doesn't have the scope `admin`, or the request is from a page of another
    /// site.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
}

/// Responses of all operations on one account.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum UserResponses {
    /// The account doesn't exist.
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(ProblemBody),
    /// The account is the last administrator.
    #[response(status = 409, content_type = "application/problem+json")]
    Last(ProblemBody),
}

pub(super) async fn admin<'a>(
    server: &'a HttpState,
    auth: &RequestAuth,
) -> Result<Admin<'a>, ApiError> {
    Ok(auth.signed_in(server).await?.admin()?)
}

/// Lists all accounts, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users",
    operation_id = "listUsers",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(PageQuery),
    responses(
        (status = 200, body = UserPage, description = "A page of accounts, newest first"),
        AuthResponses,
        AdminResponses,
    ),
)]
pub(crate) async fn users(
    State(server): State<HttpState>,
    auth: RequestAuth,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<UserPage>, ApiError> {
    let admin = admin(&server, &auth).await?;
    pagination::page_response(query, async |limit, cursor| admin.users(limit, cursor).await).await
}

/// Returns an account.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users/{id}",
    operation_id = "getUser",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = AdminUser, description = "The account"),
        (
            status = 404,
            body = ProblemBody,
            description = "The account doesn't exist",
            content_type = "application/problem+json",
        ),
        AuthResponses,
        AdminResponses,
    ),
)]
pub(crate) async fn user(
    State(server): State<HttpState>,
    auth: RequestAuth,
    id: PathId,
) -> Result<Json<AdminUser>, ApiError> {
    let admin = admin(&server, &auth).await?;
    let found = admin.user(parse(&id)?).await;
    Ok(Json(found?))
}

/// Disables an account and revokes its sessions.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{id}/disable",
    operation_id = "disableUser",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = AdminUser, description = "The disabled account"),
        RateLimitResponses,
        AuthResponses,
        AdminResponses,
        UserResponses,
    ),
)]
pub(crate) async fn disable(
    State(server): State<HttpState>,
    auth: RequestAuth,
    id: PathId,
) -> Result<Json<AdminUser>, ApiError> {
    change(&server, &auth, &id, AdminAction::Disable).await
}

/// Enables a disabled account.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{id}/enable",
    operation_id = "enableUser",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = AdminUser, description = "The enabled account"),
        RateLimitResponses,
        AuthResponses,
        AdminResponses,
        UserResponses,
    ),
)]
pub(crate) async fn enable(
    State(server): State<HttpState>,
    auth: RequestAuth,
    id: PathId,
) -> Result<Json<AdminUser>, ApiError> {
    change(&server, &auth, &id, AdminAction::Enable).await
}

/// Revokes all sessions of an account.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/users/{id}/sessions",
    operation_id = "revokeUserSessions",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = AdminUser, description = "The account. Its sessions are revoked"),
        RateLimitResponses,
        AuthResponses,
        AdminResponses,
        UserResponses,
    ),
)]
pub(crate) async fn revoke_sessions(
    State(server): State<HttpState>,
    auth: RequestAuth,
    id: PathId,
) -> Result<Json<AdminUser>, ApiError> {
    change(&server, &auth, &id, AdminAction::RevokeSessions).await
}

/// Sets the role of a user.
///
/// Access tokens issued before are rejected. Sessions continue.
#[utoipa::path(
    put,
    path = "/api/v1/admin/users/{id}/role",
    operation_id = "setUserRole",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    request_body = RoleBody,
    responses(
        (status = 200, body = AdminUser, description = "The account with its new role"),
        RateLimitResponses,
        AuthResponses,
        AdminResponses,
        UserResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn set_role(
    State(server): State<HttpState>,
    auth: RequestAuth,
    id: PathId,
    body: Result<JsonBody<RoleBody>, Response>,
) -> Result<Json<AdminUser>, ApiError> {
    // Authentication comes first: an anonymous client learns nothing about the body.
    admin(&server, &auth).await?;
    let JsonBody(RoleBody { role }) = body?;
    let Some(role) = Role::from_name(&role) else {
        let (code, detail) = if role.is_empty() {
            ("missing", "Enter a role: user or admin.")
        } else {
            ("unknown_value", "Use one of: user, admin.")
        };
        return Err(ApiError::invalid_member("/role", code, detail));
    };
    change(&server, &auth, &id, AdminAction::Role(role)).await
}

async fn change(
    server: &HttpState,
    auth: &RequestAuth,
    id: &PathId,
    change: AdminAction,
) -> Result<Json<AdminUser>, ApiError> {
    let admin = admin(server, auth).await?;
    let changed = admin.change(parse(id)?, change).await;
    Ok(Json(changed?))
}

fn parse(id: &PathId) -> Result<UserId, ApiError> {
    id.parse().ok_or(Problem::NotFound.into())
}
