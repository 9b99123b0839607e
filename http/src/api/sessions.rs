//! The endpoints for the user's own sessions.

use super::{
    openapi_responses::{AuthResponses, RateLimitResponses, WriteResponses},
    token_response::clear_session_cookies,
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{
        RequestAuth,
        pagination::{self, PageQuery},
        path_id::PathId,
    },
    problem::ProblemBody,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use countersign_types::views::{Paginated, SessionInfo};

/// A page of the list of sessions.
type SessionPage = Paginated<SessionInfo>;

/// Lists the active sessions, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    operation_id = "listSessions",
    tag = "me",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, body = SessionPage, description = "A page of active sessions, newest first"),
        AuthResponses,
    ),
)]
pub(crate) async fn list(
    State(server): State<HttpState>,
    auth: RequestAuth,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<SessionPage>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    pagination::page_response(query, async |limit, cursor| signed_in.sessions(limit, cursor).await)
        .await
}

/// Revokes a session.
///
/// Its tokens are rejected immediately.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions/{id}",
    operation_id = "revokeSession",
    tag = "me",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "The session is revoked"),
        RateLimitResponses,
        AuthResponses,
        WriteResponses,
        (
            status = 404,
            body = ProblemBody,
            description = "The user has no such active session",
            content_type = "application/problem+json",
        ),
    ),
)]
pub(crate) async fn revoke(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    id: PathId,
) -> Result<Response, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let revoked = match id.parse() {
        Some(id) => signed_in.revoke_session(id).await.map(|()| id),
        None => Err(countersign_core::Error::NotFound),
    };
    let revoked = revoked?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if revoked == signed_in.session() {
        clear_session_cookies(&headers, &mut response, server.cookies());
    }
    Ok(response)
}
