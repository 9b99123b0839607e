//! The endpoints that reset a forgotten password.

use super::{
    one_time_code::parse_code,
    openapi_responses::{BodyResponses, MailResponses, RateLimitResponses},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{RequestAuth, json_body::JsonBody},
    problem::ProblemBody,
};
use axum::{Json, extract::State, http::StatusCode};
use countersign_core::one_time_links::LinkPurpose;
use countersign_types::{
    forms::{ForgotPasswordForm, ResetPasswordForm},
    views::RequestedMail,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// A new password, with the token from the link in the email, or with the code from it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ResetPasswordBody {
    /// The token: the value of `token` in the link.
    #[serde(default)]
    #[schema(value_type = String)]
    token: Option<String>,
    /// Instead of the token: the `link_id` in the response to the request for the email.
    #[serde(default)]
    #[schema(value_type = String, format = Uuid)]
    link_id: Option<String>,
    /// With `link_id`: the six digits.
    #[serde(default)]
    #[schema(value_type = String, max_length = 40)]
    code: Option<String>,
    /// At least 8 characters, and at most 1,024 bytes of UTF-8.
    #[serde(default)]
    #[schema(required = true, format = Password, min_length = 8, max_length = 1024)]
    new_password: String,
}

/// Sends an email with a link and a code to reset the password.
///
/// The response is the same whether the address has an account or not, and also if no email is sent
/// because there were too many for this address.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/forgot",
    operation_id = "forgotPassword",
    tag = "auth",
    security(()),
    request_body = ForgotPasswordForm,
    responses(
        (
            status = 202,
            body = RequestedMail,
            description = "If the address has an account, an email is on its way",
        ),
        MailResponses,
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn forgot_password(
    State(server): State<HttpState>,
    auth: RequestAuth,
    JsonBody(form): JsonBody<ForgotPasswordForm>,
) -> Result<(StatusCode, Json<RequestedMail>), ApiError> {
    let link_id = server.auth().request_password_reset(&auth.client, &form).await?;
    Ok((StatusCode::ACCEPTED, Json(RequestedMail { link_id })))
}

/// Resets the password.
///
/// All sessions of the account are revoked, and no new one begins. A password that is too easy to
/// guess costs an attempt to enter the code.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/reset",
    operation_id = "resetPassword",
    tag = "auth",
    security(()),
    request_body = ResetPasswordBody,
    responses(
        (status = 204, description = "The password was reset"),
        (
            status = 410,
            body = ProblemBody,
            description = "The link is invalid, expired or already used",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn reset_password(
    State(server): State<HttpState>,
    auth: RequestAuth,
    JsonBody(body): JsonBody<ResetPasswordBody>,
) -> Result<StatusCode, ApiError> {
    let ResetPasswordBody { token, link_id, code, new_password } = body;
    let form = ResetPasswordForm { new_password };
    // A password that is missing or too short must not cost an attempt to enter the code.
    form.validate(None).map_err(countersign_core::Error::from)?;
    let token = match (token, link_id) {
        (Some(token), None) if code.is_none() => token,
        (None, Some(link_id)) => {
            let code = parse_code(code.unwrap_or_default())?;
            let link_id = link_id.parse().map_err(|_| {
                ApiError::invalid_member(
                    "/link_id",
                    "malformed",
                    "Send the link_id of the response to the request.",
                )
            })?;
            let purpose = LinkPurpose::ResetPassword;
            server.auth().redeem_code(&auth.client, purpose, link_id, &code).await?
        }
        _ => {
            return Err(ApiError::invalid_member(
                "/token",
                "missing",
                "Send either token, or link_id and code.",
            ));
        }
    };
    server.auth().reset_password(&auth.client, &token, &form).await?;
    Ok(StatusCode::NO_CONTENT)
}
