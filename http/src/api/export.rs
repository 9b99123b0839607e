//! The data export: everything that is stored about a user, as JSON.

use super::{
    account::Activity,
    account_body::AccountBody,
    openapi_responses::{AuthResponses, RateLimitResponses},
};
use crate::{
    HttpState,
    error::ApiError,
    export_slots::{self, RETRY_AFTER_SECONDS},
    extract::RequestAuth,
    rfc3339::rfc3339,
};
use axum::{extract::State, response::Response};
use countersign_types::{
    Problem,
    views::{AccountExport, ExportedSession},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Everything that is stored about a user: the account, all sessions, and audit events.
#[derive(Serialize, ToSchema)]
pub struct Export {
    /// When the data was read.
    #[schema(format = DateTime)]
    as_of: String,
    account: AccountBody,
    #[schema(required = true, format = DateTime)]
    last_login_at: Option<String>,
    /// Audit events, newest first.
    activity: Vec<Activity>,
    /// Present if there are more audit events: the cursor to continue with at
    /// `/api/v1/me/activity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// All sessions, newest first. Ended sessions are retained for a month. (This must be the last
    /// member: see `export_slots::json`.)
    sessions: Vec<ExportedSessionBody>,
}

/// An active or ended session.
#[derive(Serialize, ToSchema)]
#[schema(as = Held)]
struct ExportedSessionBody {
    id: Uuid,
    #[schema(required = true)]
    device: Option<String>,
    #[schema(required = true)]
    address: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// When the session expires at the latest.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When the session was ended before that.
    #[schema(required = true, format = DateTime)]
    ended_at: Option<String>,
}

impl From<AccountExport> for Export {
    fn from(everything: AccountExport) -> Self {
        Self {
            as_of: rfc3339(everything.as_of),
            account: everything.account.into(),
            last_login_at: everything.last_login_at.map(rfc3339),
            activity: everything.events.into_iter().map(Activity::from).collect(),
            next_cursor: everything.next_cursor,
            sessions: everything.sessions.into_iter().map(ExportedSessionBody::from).collect(),
        }
    }
}

impl From<ExportedSession> for ExportedSessionBody {
    fn from(session: ExportedSession) -> Self {
        Self {
            id: session.id.0,
            device: session.device,
            address: session.address,
            created_at: rfc3339(session.created_at),
            last_seen_at: rfc3339(session.last_seen_at),
            expires_at: rfc3339(session.expires_at),
            ended_at: session.ended_at.map(rfc3339),
        }
    }
}

/// Serializes a session of an export.
pub fn exported_session(session: ExportedSession) -> String {
    serde_json::to_string(&ExportedSessionBody::from(session)).unwrap_or_default()
}

/// Exports everything that is stored about the user.
///
/// The export contains the account, all sessions, and audit events. A user can run one export at a
/// time.
#[utoipa::path(
    get,
    path = "/api/v1/me/export",
    operation_id = "exportData",
    tag = "me",
    security(("bearer" = [])),
    responses(
        (status = 200, body = Export, description = "Everything that is stored about the user"),
        RateLimitResponses,
        AuthResponses,
    ),
)]
pub(crate) async fn export(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<Response, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let slot = server
        .export_slots()
        .acquire(signed_in.user(), &auth.client)
        .ok_or(Problem::Overloaded { retry_after: RETRY_AFTER_SECONDS })?;
    let everything = signed_in.export_data().await?;
    let older = signed_in.older_sessions(&everything);
    Ok(export_slots::json(
        slot,
        older,
        move || serde_json::to_string(&Export::from(everything)).unwrap_or_default(),
        exported_session,
    )
    .await)
}
