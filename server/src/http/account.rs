//! One's own account.

use super::{
    body::{Body, Members},
    caller::Caller,
    problem::{self, MemberError, ProblemBody},
    time::rfc3339,
};
use crate::Server;
use app::problem::Problem;
use auth::MOST_EVENTS;
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use contract::{
    form::Rename,
    view::{Account, Event, Page},
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How many events one call gives that does not say.
const SOME_EVENTS: u16 = 20;

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    id: Uuid,
    email: String,
    email_verified: bool,
    name: Option<String>,
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Account> for Me {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.0,
            email: account.email,
            email_verified: account.email_verified,
            name: account.name,
            roles: account.roles.into_iter().map(contract::view::Role::as_str).collect(),
            created_at: rfc3339(account.created_at),
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
fn present<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
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
    device: Option<String>,
    /// Where it came from.
    address: Option<String>,
}

impl From<Event> for Activity {
    fn from(event: Event) -> Self {
        Self { id: event.id.0, kind: event.kind.as_str(), at: rfc3339(event.at), device: event.device, address: event.address }
    }
}

/// A part of the activity list, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ActivityPage {
    items: Vec<Activity>,
    /// Asks for the next part. Not there at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<Page<Event>> for ActivityPage {
    fn from(page: Page<Event>) -> Self {
        Self { items: page.items.into_iter().map(Activity::from).collect(), next_cursor: page.next_cursor }
    }
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// How many; 20 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where the part before it ended: its `next_cursor`.
    cursor: Option<String>,
}

/// Who am I.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", security(("bearer" = [])), responses(
    (status = 200, body = Me),
    (status = 401, body = ProblemBody, description = "No access token, or one that is not valid", content_type = "application/problem+json"),
))]
pub(super) async fn me(State(server): State<Server>, caller: Caller) -> Result<Json<Me>, Response> {
    let account = caller.signed_in(&server).await?.account().await;
    Ok(Json(account.map_err(|error| caller.refuse(error.into()))?.into()))
}

/// Changes the name.
#[utoipa::path(patch, path = "/api/v1/me", tag = "me", security(("bearer" = [])), request_body = ChangeBody, responses(
    (status = 200, body = Me),
    (status = 400, body = ProblemBody, description = "Not JSON", content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, description = "No access token, or one that is not valid", content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, description = "More than 64 KiB", content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, description = "Not application/json", content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, description = "The name is missing or wrong", content_type = "application/problem+json"),
))]
pub(super) async fn change_me(State(server): State<Server>, caller: Caller, body: Result<Body<ChangeBody>, Response>) -> Result<Json<Me>, Response> {
    // First who it is: a stranger learns nothing of what a body must look like.
    let signed_in = caller.signed_in(&server).await?;
    let Some(name) = body?.0.name else {
        return Err(problem::members(vec![MemberError { pointer: "/name".to_owned(), code: "missing", detail: "Say what the new name is.".to_owned() }]));
    };
    let account = signed_in.rename(&Rename { name, tag: String::new() }).await;
    Ok(Json(account.map_err(|error| caller.refuse(error.into()))?.into()))
}

/// What happened to my account, newest first.
#[utoipa::path(get, path = "/api/v1/me/activity", tag = "me", security(("bearer" = [])), params(Part), responses(
    (status = 200, body = ActivityPage),
    (status = 400, body = ProblemBody, description = "`limit` or `cursor` make no sense", content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, description = "No access token, or one that is not valid", content_type = "application/problem+json"),
))]
pub(super) async fn activity(State(server): State<Server>, caller: Caller, part: Result<Query<Part>, QueryRejection>) -> Result<Json<ActivityPage>, Response> {
    let signed_in = caller.signed_in(&server).await?;
    let bad = |detail: &str| problem::plain_with(axum::http::StatusCode::BAD_REQUEST, "bad_request", detail);
    let Ok(Query(Part { limit, cursor })) = part else { return Err(bad("The query takes `limit`, a number from 1 to 100, and `cursor`.")) };
    let limit = limit.unwrap_or(SOME_EVENTS);
    if !(1..=MOST_EVENTS).contains(&limit) {
        return Err(bad("`limit` must be from 1 to 100."));
    }
    match signed_in.activity(limit, cursor.as_deref()).await {
        Ok(page) => Ok(Json(page.into())),
        Err(auth::Error::Cursor) => Err(bad("`cursor` must be a `next_cursor` of an earlier answer.")),
        Err(error) => Err(caller.refuse(Problem::from(&error).into())),
    }
}
