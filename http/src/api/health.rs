//! Health checks for orchestrators: liveness (`/healthz`) and readiness (`/readyz`).

use super::openapi_responses::PublicResponses;
use crate::{
    HttpState,
    error::{ApiError, log_and_convert},
    problem::ProblemBody,
};
use axum::{Extension, Json, extract::State};
use countersign_core::RequestContext;
use countersign_types::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// The health of the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Reports that the process is running.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "operation",
    security(()),
    responses(
        (status = 200, body = Health, description = "The process is running"),
        PublicResponses,
    ),
)]
pub(crate) async fn liveness() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Reports whether the server is ready.
///
/// The server is ready if the database responds, the change feed is up to date, and the server is
/// not shutting down.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operation",
    security(()),
    responses(
        (status = 200, body = Health, description = "The server is ready"),
        (
            status = 503,
            body = ProblemBody,
            description = "The server is not ready",
            content_type = "application/problem+json",
        ),
        PublicResponses,
    ),
)]
pub(crate) async fn readiness(
    State(server): State<HttpState>,
    Extension(client): Extension<RequestContext>,
) -> Result<Json<Health>, ApiError> {
    if server.is_stopping() {
        return Err(Problem::Unavailable.into());
    }
    match server.auth().ready().await {
        Ok(()) => Ok(Json(Health { status: "ok" })),
        Err(error) => {
            log_and_convert(&error, &client.request_id);
            Err(Problem::Unavailable.into())
        }
    }
}
