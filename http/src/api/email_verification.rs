//! The endpoints that verify an email address: those of a sign-up or log-in that waits for it, and
//! those of an account that changes its address.

use super::{
    openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses},
    token_response::{SessionTokens, Transport, replaced_session_token, token_response},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{RequestAuth, json_body::JsonBody},
    problem::{self, MemberError, ProblemBody},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use countersign_core::accounts::AddressProof;
use countersign_types::{
    forms::{ChangeEmailForm, CodeForm, ResetPasswordForm},
    views::Account,
};
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
        (Some(id), Some(code), None, None) => {
            let code = CodeForm { code }.validate().map_err(countersign_core::Error::from)?;
            let proof = AddressProof::Code(&code);
            accounts.complete_verification(client, parse_id(&id)?, proof, replaced).await?
        }
        (Some(id), None, Some(token), None) => {
            let proof = AddressProof::Link(&token);
            accounts.complete_verification(client, parse_id(&id)?, proof, replaced).await?
        }
        (None, None, Some(token), Some(new_password)) => {
            let form = ResetPasswordForm { new_password };
            accounts.sign_up_with_link(client, &token, &form, replaced).await?
        }
        _ => {
            return Err(invalid(
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
        (
            status = 404,
            body = ProblemBody,
            description = "`mail_disabled`: this server sends no email",
            content_type = "application/problem+json",
        ),
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
        (
            status = 404,
            body = ProblemBody,
            description = "`mail_disabled`: this server sends no email",
            content_type = "application/problem+json",
        ),
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

/// Confirms the email address, or the new one that was asked for. A code is that of the newest
/// email.
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
    let account = match (code, token) {
        (Some(code), None) => {
            let code = CodeForm { code }.validate().map_err(countersign_core::Error::from)?;
            signed_in.confirm_email(AddressProof::Code(&code)).await?
        }
        (None, Some(token)) => signed_in.confirm_email(AddressProof::Link(&token)).await?,
        _ => return Err(invalid("/code", "missing", "Send either code or token.")),
    };
    Ok(Json(account))
}

fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| {
        let detail = "Send the verification_id of the response to the sign-up or log-in.";
        invalid("/verification_id", "malformed", detail)
    })
}

fn invalid(pointer: &str, code: &'static str, detail: &str) -> ApiError {
    let (pointer, detail) = (pointer.to_owned(), detail.to_owned());
    problem::invalid_members(vec![MemberError { pointer, code, detail }]).into()
}
