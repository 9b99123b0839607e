//! The endpoints for invitations to sign up, which require an access token with the scope `admin`.

use super::{
    admin::{AdminResponses, admin},
    openapi_responses::{AuthResponses, BodyResponses, RateLimitResponses},
};
use crate::{
    HttpState,
    error::ApiError,
    extract::{
        RequestAuth,
        json_body::JsonBody,
        pagination::{self, PageQuery},
        path_id::PathId,
    },
    problem::ProblemBody,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use countersign_types::{
    Email, Field, FieldErrors, Problem,
    views::{Invitation, NewInvitation, Paginated},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// A page of the list of invitations.
type InvitationPage = Paginated<Invitation>;

/// The person to invite.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InvitationBody {
    #[serde(default)]
    #[schema(required = true, format = Email, max_length = 254)]
    email: String,
}

/// Invites a person to sign up.
///
/// An earlier invitation of the address ends. If the server sends email, the invitation is sent to
/// the address.
#[utoipa::path(
    post,
    path = "/api/v1/admin/invitations",
    operation_id = "createInvitation",
    tag = "admin",
    security(("bearer" = ["admin"])),
    request_body = InvitationBody,
    responses(
        (status = 201, body = NewInvitation, description = "The invitation with its link"),
        (
            status = 409,
            body = ProblemBody,
            description = "`email_taken`: the address has an account; `too_many_invitations`: the \
                           maximum number of invitations is open",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        AuthResponses,
        AdminResponses,
        BodyResponses,
    ),
)]
pub(crate) async fn create(
    State(server): State<HttpState>,
    auth: RequestAuth,
    body: Result<JsonBody<InvitationBody>, Response>,
) -> Result<(StatusCode, Json<NewInvitation>), ApiError> {
    // Authentication comes first: an anonymous client learns nothing about the body.
    let admin = admin(&server, &auth).await?;
    let JsonBody(InvitationBody { email }) = body?;
    let email = Email::parse(&email)
        .map_err(|error| Problem::Invalid(FieldErrors::from((Field::Email, error))))?;
    Ok((StatusCode::CREATED, Json(admin.invite(&email).await?)))
}

/// Lists the invitations that can be used, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/invitations",
    operation_id = "listInvitations",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(PageQuery),
    responses(
        (status = 200, body = InvitationPage, description = "A page of invitations, newest first"),
        AuthResponses,
        AdminResponses,
    ),
)]
pub(crate) async fn list(
    State(server): State<HttpState>,
    auth: RequestAuth,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<InvitationPage>, ApiError> {
    let admin = admin(&server, &auth).await?;
    pagination::page_response(query, async |limit, cursor| admin.invitations(limit, cursor).await)
        .await
}

/// Revokes an invitation.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/invitations/{id}",
    operation_id = "revokeInvitation",
    tag = "admin",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "The invitation is revoked"),
        (
            status = 404,
            body = ProblemBody,
            description = "There is no such open invitation",
            content_type = "application/problem+json",
        ),
        RateLimitResponses,
        AuthResponses,
        AdminResponses,
    ),
)]
pub(crate) async fn revoke(
    State(server): State<HttpState>,
    auth: RequestAuth,
    id: PathId,
) -> Result<StatusCode, ApiError> {
    let admin = admin(&server, &auth).await?;
    admin.revoke_invitation(id.parse().ok_or(Problem::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
