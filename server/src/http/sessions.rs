//! One's own sessions.

use super::{
    caller::Caller,
    doors::take_cookies,
    list::{self, Part},
    path_id::PathId,
    problem::ProblemBody,
    refusals::{Limited, Protected},
    time::rfc3339,
};
use crate::Server;
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use countersign_types::view::SessionView;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A browser or a program that is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionBody {
    id: Uuid,
    /// What opened it.
    #[schema(required = true, example = "Firefox on Linux")]
    device: Option<String>,
    /// Where it came from.
    #[schema(required = true)]
    address: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// To the minute or so.
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// It is the one that asks.
    current: bool,
}

impl From<SessionView> for SessionBody {
    fn from(session: SessionView) -> Self {
        Self {
            id: session.id.0,
            device: session.device,
            address: session.address,
            created_at: rfc3339(session.created_at),
            last_seen_at: rfc3339(session.last_seen_at),
            current: session.current,
        }
    }
}

list::page!(SessionPage, SessionBody);

/// My living sessions, the newest first.
#[utoipa::path(get, path = "/api/v1/me/sessions", operation_id = "listSessions", tag = "me", security(("bearer" = [])), params(Part), responses(
    (status = 200, body = SessionPage, description = "A page of the active sessions, newest first"),
    Protected,
))]
pub(super) async fn list(
    State(server): State<Server>,
    caller: Caller,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<SessionPage>, Response> {
    let signed_in = caller.signed_in(&server).await?;
    list::part(&caller, part, async |limit, cursor| signed_in.sessions(limit, cursor).await).await
}

/// Ends one of my sessions. What it holds is refused at once.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", operation_id = "revokeSession", tag = "me", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is over"),
    Limited,
    Protected,
    (status = 403, body = ProblemBody, description = "From a page of another site", content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, description = "I have no such living session", content_type = "application/problem+json"),
))]
pub(super) async fn end(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
    id: PathId,
) -> Result<Response, Response> {
    let signed_in = caller.signed_in(&server).await?;
    let ended = match id.parse() {
        Some(id) => signed_in.end_session(id).await.map(|()| id),
        None => Err(countersign_core::Error::NotFound),
    };
    let ended = ended.map_err(|error| caller.refuse(error.into()))?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if ended == signed_in.session() {
        take_cookies(&headers, &mut response, &server.web.cookies);
    }
    Ok(response)
}
