//! The endpoints of an account that confirms or changes its email address.

use super::{
    one_time_code::CodeOrToken,
    openapi_responses::{
        AuthResponses, BodyResponses, MailResponses, RateLimitResponses, WriteResponses,
    },
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{RequestAuth, json_body::JsonBody},
    problem::ProblemBody,
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use countersign_types::{forms::ChangeEmailForm, views::Account};
use serde::Deserialize;
use utoipa::ToSchema;

/// The code from the email to the new address, or the token from the link in it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ConfirmEmailBody {
    /// The six digits.
    #[serde(default)]
    #[schema(value_type = String, max_length = 40)]
    code: Option<String>,
    /// Instead of the code: the value of `token` in the link.
    #[serde(default)]
    #[schema(value_type = String)]
    token: Option<String>,
}

/// Asks for a new email address. It changes when the code from the email to it is confirmed.
///
/// The response is the same whether another account has the new address or not.
#[utoipa::path(
    post,
    path = "/api/v1/me/email",
    operation_id = "requestEmailChange",
    tag = "me",
    security(("bearer" = [])),
    request_body = ChangeEmailForm,
    responses(
        (status = 202, description = "An email is on its way to the new address"),
        MailResponses,
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn request_email_change(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<ChangeEmailForm>, Response>,
) -> Result<StatusCode, ApiError> {
    // Authentication comes first: an anonymous client learns nothing about the body.
    let signed_in = auth.signed_in(&server).await?;
    signed_in.request_email_change(&body?.0).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Cancels the request for a new email address. The link and the code in the email to it end.
#[utoipa::path(
    delete,
    path = "/api/v1/me/email",
    operation_id = "cancelEmailChange",
    tag = "me",
    security(("bearer" = [])),
    responses(
        (status = 200, body = Account, description = "The account, which keeps its address"),
        RateLimitResponses,
        AuthResponses,
        WriteResponses,
    ),
)]
pub(crate) async fn cancel_email_change(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<Json<Account>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    Ok(Json(signed_in.cancel_email_change().await?))
}

/// Sends an email with a link and a code that confirm the address of the account, unless it is
/// confirmed.
///
/// The response is the same if no email is sent because there were too many for this address.
#[utoipa::path(
    post,
    path = "/api/v1/me/email/send",
    operation_id = "sendVerification",
    tag = "me",
    security(("bearer" = [])),
    responses(
        (status = 202, description = "If the address is not confirmed, an email is on its way"),
        MailResponses,
        RateLimitResponses,
        AuthResponses,
        WriteResponses,
    ),
)]
pub(crate) async fn send_verification(
    State(server): State<HttpState>,
    auth: RequestAuth,
) -> Result<StatusCode, ApiError> {
    auth.signed_in(&server).await?.send_verification().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirms the email address, or the new one that was asked for.
///
/// A code is that of the newest email to either. An incorrect code is an attempt for both.
#[utoipa::path(
    post,
    path = "/api/v1/me/email/confirm",
    operation_id = "confirmEmail",
    tag = "me",
    security(("bearer" = [])),
    request_body = ConfirmEmailBody,
    responses(
        (status = 200, body = Account, description = "The account with the confirmed address"),
        (
            status = 409,
            body = ProblemBody,
            description = "Another account has the new address",
            content_type = "application/problem+json",
        ),
        (
            status = 410,
            body = ProblemBody,
            description = "The link is invalid, expired, already used, or for another account",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        AuthResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn confirm_email(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<ConfirmEmailBody>, Response>,
) -> Result<Json<Account>, ApiError> {
    let signed_in = auth.signed_in(&server).await?;
    let ConfirmEmailBody { code, token } = body?.0;
    let proof = CodeOrToken::parse(code, token)?;
    Ok(Json(signed_in.confirm_email(proof.as_proof()).await?))
}
