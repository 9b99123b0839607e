//! One's own account.

use super::{
    body::{Body, Members},
    caller::Caller,
    doors::{self, SessionTokens},
    list::{self, Part},
    problem::{self, MemberError},
    refusals::{Limited, Protected, Unreadable},
    time::rfc3339,
};
use crate::Server;
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use countersign_types::{
    form::{ChangePassword, Rename},
    view::{Account, Event},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    id: Uuid,
    email: String,
    email_verified: bool,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When another session was ended because its refresh token was used twice, before this one
    /// was opened: somebody may have stolen it.
    #[schema(required = true, format = DateTime)]
    stolen_at: Option<String>,
    /// When the account will be deleted, as I have asked; until then I can keep it.
    #[schema(required = true, format = DateTime)]
    deletes_at: Option<String>,
}

impl From<Account> for Me {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.0,
            email: account.email,
            email_verified: account.email_verified,
            name: account.name,
            roles: account.roles.into_iter().map(countersign_types::view::Role::as_str).collect(),
            created_at: rfc3339(account.created_at),
            stolen_at: account.stolen_at.map(rfc3339),
            deletes_at: account.deletes_at.map(rfc3339),
        }
    }
}

/// What is to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    /// The new name; an empty one takes the name away.
    #[serde(default, deserialize_with = "present")]
    #[schema(required = true, value_type = String, max_length = 200)]
    name: Option<String>,
}

/// `null` is not a text.
pub(super) fn present<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    String::deserialize(source).map(Some)
}

impl Members for ChangeBody {
    const NAMES: &[&str] = &["name"];
}

/// Something that happened to the account.
#[derive(Serialize, ToSchema)]
pub(super) struct Activity {
    id: Uuid,
    /// What happened, as one word.
    #[schema(example = "logged_in")]
    kind: &'static str,
    #[schema(format = DateTime)]
    at: String,
    /// The program that asked for it.
    #[schema(required = true)]
    device: Option<String>,
    /// Where it came from.
    #[schema(required = true)]
    address: Option<String>,
}

impl From<Event> for Activity {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.0,
            kind: event.kind.as_str(),
            at: rfc3339(event.at),
            device: event.device,
            address: event.address,
        }
    }
}

list::page!(ActivityPage, Activity);

/// Who am I.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "getMe", tag = "me", security(("bearer" = [])), responses(
    (status = 200, body = Me, description = "The account"),
    Protected,
))]
pub(super) async fn me(State(server): State<Server>, caller: Caller) -> Result<Json<Me>, Response> {
    let account = caller.signed_in(&server).await?.account().await;
    Ok(Json(account.map_err(|error| caller.refuse(error.into()))?.into()))
}

/// Changes the name.
#[utoipa::path(patch, path = "/api/v1/me", operation_id = "updateMe", tag = "me", security(("bearer" = [])), request_body = ChangeBody, responses(
    (status = 200, body = Me, description = "The account, changed"),
    Limited,
    Protected,
    Unreadable,
))]
pub(super) async fn change_me(
    State(server): State<Server>,
    caller: Caller,
    body: Result<Body<ChangeBody>, Response>,
) -> Result<Json<Me>, Response> {
    // First who it is: a stranger learns nothing of what a body must look like.
    let signed_in = caller.signed_in(&server).await?;
    let Some(name) = body?.0.name else {
        return Err(problem::members(vec![MemberError {
            pointer: "/name".to_owned(),
            code: "missing",
            detail: "Say what the new name is.".to_owned(),
        }]));
    };
    let account = signed_in.rename(&Rename { name, tag: String::new() }).await;
    Ok(Json(account.map_err(|error| caller.refuse(error.into()))?.into()))
}

/// What happened to my account, newest first.
#[utoipa::path(get, path = "/api/v1/me/activity", operation_id = "listActivity", tag = "me", security(("bearer" = [])), params(Part), responses(
    (status = 200, body = ActivityPage, description = "A page of the activity, newest first"),
    Protected,
))]
pub(super) async fn activity(
    State(server): State<Server>,
    caller: Caller,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<ActivityPage>, Response> {
    let signed_in = caller.signed_in(&server).await?;
    list::part(&caller, part, async |limit, cursor| signed_in.activity(limit, cursor).await).await
}

/// The password until now, and the one from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 1, max_length = 1024)]
    current: String,
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 8, max_length = 1024)]
    new: String,
}

impl Members for PasswordBody {
    const NAMES: &[&str] = &["current", "new"];
}

/// Changes the password and ends all other sessions. All tokens of this session end, too, and the
/// answer holds new ones: in the body, or in the cookies of a request that has cookies.
#[utoipa::path(post, path = "/api/v1/me/password", operation_id = "changePassword", tag = "me", security(("bearer" = [])), request_body = PasswordBody, responses(
    (status = 200, body = SessionTokens, description = "Changed; the new tokens of this session"),
    Limited,
    Protected,
    Unreadable,
))]
pub(super) async fn change_password(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Body<PasswordBody>, Response>,
) -> Result<Response, Response> {
    let signed_in = caller.signed_in(&server).await?;
    let Body(PasswordBody { current, new }) = body?;
    let form = ChangePassword { current, new, tag: String::new() };
    let issued =
        signed_in.change_password(&form).await.map_err(|error| caller.refuse(error.into()))?;
    Ok(doors::replace(&headers, issued, &server.web.auth, signed_in.session(), &server.web.cookies))
}
