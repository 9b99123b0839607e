//! Account deletion: the request, and its cancellation during the grace period.

use super::{
    account_body::AccountBody,
    openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{
        RequestAuth,
        json_body::{JsonBody, KnownFields},
    },
    problem::ProblemBody,
};
use axum::{Json, extract::State, response::Response};
use countersign_types::forms::DeleteAccountForm;
use serde::Deserialize;
use utoipa::ToSchema;

/// The current password, as confirmation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletionBody {
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 1, max_length = 1024)]
    current_password: String,
}

impl KnownFields for DeletionBody {
    const FIELDS: &[&str] = &["current_password"];
}

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
    request_body = DeletionBody,
    responses(
        (
            status = 200,
            body = AccountBody,
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
    body: Result<JsonBody<DeletionBody>, Response>,
) -> Result<Json<AccountBody>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let form = DeleteAccountForm { current_password: body?.0.current_password };
    let account = signed_in.delete_account(&form).await;
    Ok(Json(account?.into()))
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
            body = AccountBody,
            description = "The account, which is no longer scheduled for deletion",
        ),
        RateLimitResponses,
        AuthResponses,
        (
            status = 403,
            body = ProblemBody,
            description = "The request is from a page of another site",
            content_type = "application/problem+json",
        ),
    ),
)]
pub(crate) async fn cancel_deletion(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<Json<AccountBody>, ApiError> {
    let account = auth.signed_in(&server).await?.cancel_deletion().await;
    Ok(Json(account?.into()))
}
