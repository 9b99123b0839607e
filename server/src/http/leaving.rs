//! Taking one's data along, and deleting one's account.

use super::{
    account::{Activity, Me},
    body::{Body, Members},
    caller::Caller,
    problem::ProblemBody,
    refusals::{Limited, Protected, Unreadable},
    time::rfc3339,
};
use crate::{
    Server,
    exports::{self, RETRY_AFTER},
};
use axum::{Json, extract::State, response::Response};
use countersign_leptos::problem::Problem;
use countersign_types::{
    form::DeleteAccount,
    view::{Everything, HeldSession},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What is stored about somebody: the account, every session, what happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Export {
    /// When this was so.
    #[schema(format = DateTime)]
    as_of: String,
    account: Me,
    #[schema(required = true, format = DateTime)]
    last_login_at: Option<String>,
    /// What happened, newest first.
    activity: Vec<Activity>,
    /// There was more: the rest is at `/api/v1/me/activity` from this cursor on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// Every session, the newest first. Ended ones are retained for a month. (The last member: see
    /// `exports::json`.)
    sessions: Vec<Held>,
}

/// A session, alive or not.
#[derive(Serialize, ToSchema)]
struct Held {
    id: Uuid,
    #[schema(required = true)]
    device: Option<String>,
    #[schema(required = true)]
    address: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// When it ends in any case.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was ended before that.
    #[schema(required = true, format = DateTime)]
    ended_at: Option<String>,
}

impl From<Everything> for Export {
    fn from(everything: Everything) -> Self {
        Self {
            as_of: rfc3339(everything.as_of),
            account: everything.account.into(),
            last_login_at: everything.last_login_at.map(rfc3339),
            activity: everything.events.into_iter().map(Activity::from).collect(),
            next_cursor: everything.next_cursor,
            sessions: everything.sessions.into_iter().map(Held::from).collect(),
        }
    }
}

impl From<HeldSession> for Held {
    fn from(session: HeldSession) -> Self {
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

/// One more element of the list of sessions in an export.
pub(crate) fn exported_session(session: HeldSession) -> String {
    serde_json::to_string(&Held::from(session)).unwrap_or_default()
}

/// The password, once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeletionBody {
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 1, max_length = 1024)]
    current: String,
}

impl Members for DeletionBody {
    const NAMES: &[&str] = &["current"];
}

/// What is stored about me: the account, every session, what happened. One at a time.
#[utoipa::path(get, path = "/api/v1/me/export", operation_id = "exportData", tag = "me", security(("bearer" = [])), responses(
    (status = 200, body = Export, description = "Everything that is stored about the user"),
    Limited,
    Protected,
))]
pub(super) async fn export(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Response, Response> {
    let signed_in = caller.signed_in(&server).await?;
    let place = server
        .exports
        .begin(signed_in.user(), &caller.client)
        .ok_or_else(|| caller.refuse(Problem::Busy { retry_after: RETRY_AFTER }.into()))?;
    let everything = signed_in.everything().await.map_err(|error| caller.refuse(error.into()))?;
    let older = signed_in.older_sessions(&everything);
    Ok(exports::json(
        place,
        older,
        move || serde_json::to_string(&Export::from(everything)).unwrap_or_default(),
        exported_session,
    )
    .await)
}

/// Has my account deleted in 14 days, and ends all my other sessions at once. Asking again does not
/// put it off.
#[utoipa::path(post, path = "/api/v1/me/deletion", operation_id = "requestAccountDeletion", tag = "me", security(("bearer" = [])), request_body = DeletionBody, responses(
    (status = 200, body = Me, description = "When, is in `deletes_at`"),
    Limited,
    Protected,
    Unreadable,
    (status = 409, body = ProblemBody, description = "Nobody would be left who looks after accounts", content_type = "application/problem+json"),
))]
pub(super) async fn delete_account(
    State(server): State<Server>,
    caller: Caller,
    body: Result<Body<DeletionBody>, Response>,
) -> Result<Json<Me>, Response> {
    let signed_in = caller.signed_in(&server).await?;
    let form = DeleteAccount { current: body?.0.current, tag: String::new() };
    let account = signed_in.delete_account(&form).await;
    Ok(Json(account.map_err(|error| caller.refuse(error.into()))?.into()))
}

/// Keeps my account, which was to be deleted. It is no error if it was not to be.
#[utoipa::path(delete, path = "/api/v1/me/deletion", operation_id = "cancelAccountDeletion", tag = "me", security(("bearer" = [])), responses(
    (status = 200, body = Me, description = "The account, which is kept"),
    Limited,
    Protected,
    (status = 403, body = ProblemBody, description = "From a page of another site", content_type = "application/problem+json"),
))]
pub(super) async fn keep_account(
    State(server): State<Server>,
    caller: Caller,
) -> Result<Json<Me>, Response> {
    let account = caller.signed_in(&server).await?.keep_account().await;
    Ok(Json(account.map_err(|error| caller.refuse(error.into()))?.into()))
}
