//! The endpoints of a sign-up or log-in that waits for the verification of the email address.

use super::{
    one_time_code::CodeOrToken,
    openapi_responses::{BodyResponses, MailResponses, RateLimitResponses},
    token_response::{SessionTokens, Transport, replaced_session_token, token_response},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{RequestAuth, json_body::JsonBody},
    problem::ProblemBody,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use countersign_types::forms::ResetPasswordForm;
use serde::Deserialize;
use utoipa::ToSchema;

/// The code from the email, or the token from the link in it. A client that did not sign up itself
/// sends the token with a new password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct VerifyEmailBody {
    /// The `verification_id` in the response to the sign-up or log-in.
    #[serde(default)]
    #[schema(value_type = String, format = Uuid)]
    verification_id: Option<String>,
    /// With `verification_id`: the six digits.
    #[serde(default)]
    #[schema(value_type = String, max_length = 40)]
    code: Option<String>,
    /// Instead of the code: the value of `token` in the link.
    #[serde(default)]
    #[schema(value_type = String)]
    token: Option<String>,
    /// With `token`, instead of `verification_id`: the password of the new account. At least 8
    /// characters, and at most 1,024 bytes of UTF-8.
    #[serde(default)]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024)]
    new_password: Option<String>,
    /// The transport of the tokens. Values: `body` (default), or `cookie` for `HttpOnly`
    /// cookies.
    #[serde(default)]
    #[schema(value_type = Transport)]
    transport: Option<String>,
}

/// The sign-up or log-in whose email is sent once more.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ResendBody {
    /// The `verification_id` in the response to the sign-up or log-in.
    #[serde(default)]
    #[schema(required = true, value_type = String, format = Uuid)]
    verification_id: String,
}

/// Completes a sign-up or log-in that waits for the verification of the email address.
///
/// With a link and without `verification_id`, the client chooses the password of the new account.
/// Passwords that were sent with a sign-up elsewhere are dropped.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email/verify",
    operation_id = "verifyEmail",
    tag = "auth",
    security(()),
    request_body = VerifyEmailBody,
    responses(
        (
            status = 201,
            body = SessionTokens,
            description = "The address is verified and the client is logged in",
        ),
        (
            status = 410,
            body = ProblemBody,
            description = "The link is invalid, expired or already used, or nothing waits for it",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn verify_email(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
    JsonBody(body): JsonBody<VerifyEmailBody>,
) -> Result<Response, ApiError> {
    let (names, transport) = (server.cookies(), Transport::parse(body.transport.as_deref())?);
    let replaced = replaced_session_token(&headers, transport, names);
    let replaced = replaced.as_deref();
    let (accounts, client) = (server.auth(), &auth.client);
    let issued = match (body.verification_id, body.code, body.token, body.new_password) {
        (Some(id), code, token, None) => {
            let proof = CodeOrToken::parse(code, token)?;
            accounts
                .complete_verification(client, parse_id(&id)?, proof.as_proof(), replaced)
                .await?
        }
        (None, None, Some(token), Some(new_password)) => {
            let form = ResetPasswordForm { new_password };
            accounts.sign_up_with_link(client, &token, &form, replaced).await?
        }
        _ => {
            return Err(ApiError::invalid_member(
                "/verification_id",
                "missing",
                "Send verification_id with either code or token, or token with new_password.",
            ));
        }
    };
    Ok(token_response(StatusCode::CREATED, issued, transport, names))
}

/// Sends the email with the link and the code of a sign-up or log-in once more.
///
/// The response is the same for every address and every id, and also if no email is sent because
/// there were too many for this address.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email/resend",
    operation_id = "resendVerification",
    tag = "auth",
    security(()),
    request_body = ResendBody,
    responses(
        (status = 202, description = "If something waits with this id, an email is sent"),
        MailResponses,
        RateLimitResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn resend_verification(
    State(server): State<HttpState>,
    auth: RequestAuth,
    JsonBody(body): JsonBody<ResendBody>,
) -> Result<StatusCode, ApiError> {
    let id = parse_id(&body.verification_id)?;
    server.auth().resend_verification(&auth.client, id).await?;
    Ok(StatusCode::ACCEPTED)
}

fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| {
        let detail = "Send the verification_id of the response to the sign-up or log-in.";
        ApiError::invalid_member("/verification_id", "malformed", detail)
    })
}
