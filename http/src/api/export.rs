//! The data export: everything that is stored about a user, as JSON.

use super::openapi_responses::{AuthResponses, RateLimitResponses};
use crate::{
    HttpState,
    error::ApiError,
    export_slots::{self, RETRY_AFTER_SECONDS},
    extract::RequestAuth,
};
use axum::{extract::State, response::Response};
use countersign_types::{Problem, views::AccountExport};

/// Exports everything that is stored about the user.
///
/// The export contains the account, all sessions, and audit events. A user can run one export at a
/// time. The user must have entered the password within the last 10 minutes; otherwise the response
/// is 401 with the code `reauthentication_required` (RFC 9470): call `confirmPassword`,
/// and refresh.
#[utoipa::path(
    get,
    path = "/api/v1/me/export",
    operation_id = "exportData",
    tag = "me",
    security(("bearer" = ["fresh"])),
    responses(
        (
            status = 200,
            body = AccountExport,
            description = "Everything that is stored about the user",
        ),
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
    let (everything, older) = signed_in.fresh()?.export_data().await?;
    Ok(export_slots::json(slot, older, move || {
        serde_json::to_string(&everything).unwrap_or_default()
    })
    .await)
}
