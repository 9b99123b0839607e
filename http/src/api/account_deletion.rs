//! Account deletion: the request, and its cancellation during the grace period.

use super::openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses, WriteResponses};
use crate::{
    HttpState,
    error::ApiError,
    extract::{RequestAuth, json_body::JsonBody},
    problem::ProblemBody,
};
use axum::{Json, extract::State, response::Response};
use countersign_types::{forms::CurrentPasswordForm, views::Account};

/// Schedules the deletion of the account.
///
/// The account is deleted in 14 days. All other sessions are revoked immediately. A repeated
/// request doesn't postpone the deletion.
#[utoipa::path(
    post,
    path = "/api/v1/me/deletion",
    operation_id = "requestAccountDeletion",
    tag = "me",
    security(("bearer" = [])),
    request_body = CurrentPasswordForm,
    responses(
        (
            status = 200,
            body = Account,
            description = "The account. The date is in `deletion_scheduled_at`",
        ),
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
        (
            status = 409,
            body = ProblemBody,
            description = "The account is the last administrator",
            content_type = "application/problem+json",
        ),
    ),
)]
pub(crate) async fn request_deletion(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<CurrentPasswordForm>, Response>,
) -> Result<Json<Account>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let JsonBody(form) = body?;
    let account = signed_in.delete_account(&form).await;
    Ok(Json(account?))
}

/// Cancels the deletion of the account.
///
/// It is not an error if none is scheduled.
#[utoipa::path(
    delete,
    path = "/api/v1/me/deletion",
    operation_id = "cancelAccountDeletion",
    tag = "me",
    security(("bearer" = [])),
    responses(
        (
            status = 200,
            body = Account,
            description = "The account, which is no longer scheduled for deletion",
        ),
        RateLimitResponses,
        AuthResponses,
        WriteResponses,
    ),
)]
pub(crate) async fn cancel_deletion(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<Json<Account>, ApiError> {
    let account = auth.signed_in(&server).await?.cancel_deletion().await;
    Ok(Json(account?))
}
