//! The accounts of others, for administrators: tokens of the scope `admin`.

use super::{
    body::{Body, Members},
    caller::Caller,
    list::{self, Part},
    path_id::PathId,
    problem::{self, MemberError, ProblemBody},
    refusals::{Limited, Protected, Unreadable},
    time::rfc3339,
};
use crate::Server;
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use countersign_core::flow::{Admin, Change};
use countersign_types::{
    UserId,
    view::{Role, UserView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};
use uuid::Uuid;

/// An account, as an administrator sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct UserBody {
    id: Uuid,
    email: String,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required = true, format = DateTime)]
    last_login_at: Option<String>,
    /// Since when nobody gets in.
    #[schema(required = true, format = DateTime)]
    disabled_at: Option<String>,
    /// When it will be deleted, as its owner has asked.
    #[schema(required = true, format = DateTime)]
    deletes_at: Option<String>,
}

impl From<UserView> for UserBody {
    fn from(user: UserView) -> Self {
        Self {
            id: user.id.0,
            email: user.email,
            name: user.name,
            roles: user.roles.into_iter().map(Role::as_str).collect(),
            created_at: rfc3339(user.created_at),
            last_login_at: user.last_login_at.map(rfc3339),
            disabled_at: user.disabled_at.map(rfc3339),
            deletes_at: user.deletes_at.map(rfc3339),
        }
    }
}

list::page!(UserPage, UserBody);

/// Another role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleBody {
    #[serde(default)]
    #[schema(required = true, value_type = RoleName)]
    role: String,
}

/// What somebody may be.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "described, not made: it is read as a text")]
pub(super) enum RoleName {
    User,
    Admin,
}

impl Members for RoleBody {
    const NAMES: &[&str] = &["role"];
}

/// Of every call that needs an administrator.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum ForAdmins {
    /// Not with a token of the scope `admin`, or from a page of another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
}

/// Of every call about one account.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum OneUser {
    /// There is no such account.
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(ProblemBody),
    /// Nobody would be left who looks after accounts.
    #[response(status = 409, content_type = "application/problem+json")]
    Last(ProblemBody),
}

async fn admin<'a>(server: &'a Server, caller: &Caller) -> Result<Admin<'a>, Response> {
    caller.signed_in(server).await?.admin().map_err(|error| caller.refuse(error.into()))
}

/// All accounts, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/users", operation_id = "listUsers", tag = "admin", security(("bearer" = ["admin"])), params(Part), responses(
    (status = 200, body = UserPage, description = "A page of the accounts, newest first"),
    Protected,
    ForAdmins,
))]
pub(super) async fn users(
    State(server): State<Server>,
    caller: Caller,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<UserPage>, Response> {
    let admin = admin(&server, &caller).await?;
    list::part(&caller, part, async |limit, cursor| admin.users(limit, cursor).await).await
}

/// One account.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", operation_id = "getUser", tag = "admin", security(("bearer" = ["admin"])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = UserBody, description = "The account"),
    (status = 404, body = ProblemBody, description = "There is no such account", content_type = "application/problem+json"),
    Protected,
    ForAdmins,
))]
pub(super) async fn user(
    State(server): State<Server>,
    caller: Caller,
    id: PathId,
) -> Result<Json<UserBody>, Response> {
    let admin = admin(&server, &caller).await?;
    let found = admin.user(parse(&caller, &id)?).await;
    Ok(Json(found.map_err(|error| caller.refuse(error.into()))?.into()))
}

/// Lets nobody into an account, and ends its sessions.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/disable", operation_id = "disableUser", tag = "admin", security(("bearer" = ["admin"])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = UserBody, description = "The account, disabled"),
    Limited,
    Protected,
    ForAdmins,
    OneUser,
))]
pub(super) async fn disable(
    State(server): State<Server>,
    caller: Caller,
    id: PathId,
) -> Result<Json<UserBody>, Response> {
    change(&server, &caller, &id, Change::Disable).await
}

/// Lets somebody into their account again.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/enable", operation_id = "enableUser", tag = "admin", security(("bearer" = ["admin"])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = UserBody, description = "The account, enabled"),
    Limited,
    Protected,
    ForAdmins,
    OneUser,
))]
pub(super) async fn enable(
    State(server): State<Server>,
    caller: Caller,
    id: PathId,
) -> Result<Json<UserBody>, Response> {
    change(&server, &caller, &id, Change::Enable).await
}

/// Ends all sessions of an account.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}/sessions", operation_id = "revokeUserSessions", tag = "admin", security(("bearer" = ["admin"])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = UserBody, description = "The account; its sessions are revoked"),
    Limited,
    Protected,
    ForAdmins,
    OneUser,
))]
pub(super) async fn end_sessions(
    State(server): State<Server>,
    caller: Caller,
    id: PathId,
) -> Result<Json<UserBody>, Response> {
    change(&server, &caller, &id, Change::EndSessions).await
}

/// Says whether somebody looks after accounts. Their tokens of before are refused; sessions go on.
#[utoipa::path(put, path = "/api/v1/admin/users/{id}/role", operation_id = "setUserRole", tag = "admin", security(("bearer" = ["admin"])), params(("id" = Uuid, Path)), request_body = RoleBody, responses(
    (status = 200, body = UserBody, description = "The account, with its new role"),
    Limited,
    Protected,
    ForAdmins,
    OneUser,
    Unreadable,
))]
pub(super) async fn set_role(
    State(server): State<Server>,
    caller: Caller,
    id: PathId,
    body: Result<Body<RoleBody>, Response>,
) -> Result<Json<UserBody>, Response> {
    // First who it is: a stranger learns nothing of what a body must look like.
    admin(&server, &caller).await?;
    let Body(RoleBody { role }) = body?;
    let Some(role) = Role::from_name(&role) else {
        let (code, detail) = if role.is_empty() {
            ("missing", "Say which role.")
        } else {
            ("unknown_value", "This must be one of: user, admin.")
        };
        return Err(problem::members(vec![MemberError {
            pointer: "/role".to_owned(),
            code,
            detail: detail.to_owned(),
        }]));
    };
    change(&server, &caller, &id, Change::Role(role)).await
}

async fn change(
    server: &Server,
    caller: &Caller,
    id: &PathId,
    change: Change,
) -> Result<Json<UserBody>, Response> {
    let admin = admin(server, caller).await?;
    let changed = admin.change(parse(caller, id)?, change).await;
    Ok(Json(changed.map_err(|error| caller.refuse(error.into()))?.into()))
}

fn parse(caller: &Caller, id: &PathId) -> Result<UserId, Response> {
    id.parse().ok_or_else(|| caller.refuse(countersign_core::Error::NotFound.into()))
}
