//! For those who run this server and those who verify its tokens.

use super::problem::ProblemBody;
use crate::Server;
use app::{edge::report, problem::Problem};
use auth::{Client, keys::Jwk};
use axum::{
    Extension, Json,
    extract::State,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A set of public keys (RFC 7517, 5).
#[derive(Serialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// The public keys that access tokens are signed with.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "keys", responses(
    (status = 200, description = "A JWK set (RFC 7517)", body = serde_json::Value, content_type = "application/jwk-set+json"),
))]
pub(super) async fn keys(State(server): State<Server>) -> Response {
    let keys = Jwks { keys: server.web.auth.public_keys() };
    // Short against the time that a new key is published before it signs.
    ([(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, "public, max-age=300")], Json(keys)).into_response()
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Health)))]
pub(super) async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The database answers, this node knows what has been revoked, and it is not about to stop.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, body = Health),
    (status = 503, body = ProblemBody, description = "Not now", content_type = "application/problem+json"),
))]
pub(super) async fn ready(State(server): State<Server>, Extension(client): Extension<Client>) -> Result<Json<Health>, Response> {
    if server.is_stopping() {
        return Err(super::problem::answer(&Problem::Unavailable));
    }
    match server.web.auth.ready().await {
        Ok(()) => Ok(Json(Health { status: "ok" })),
        Err(error) => {
            report(&error, &client.request_id);
            Err(super::problem::answer(&Problem::Unavailable))
        }
    }
}
