//! For those who run this server and those who verify its tokens.

use super::{problem::ProblemBody, public_document::public_document, refusals::Public};
use crate::Server;
use axum::{Extension, Json, extract::State, response::Response};
use countersign_core::{Client, keys::Jwk};
use countersign_leptos::{edge::report, problem::Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// A set of public keys (RFC 7517, 5).
#[derive(Serialize, ToSchema)]
pub(super) struct JwkSet {
    #[schema(value_type = Vec<JwkMembers>)]
    keys: Vec<Jwk>,
}

/// A public key that verifies signatures (RFC 7517, 4). Which of the other members it has depends
/// on `kty` (RFC 7518, 6; RFC 8037, 2).
#[derive(ToSchema)]
#[schema(as = Jwk)]
#[expect(
    dead_code,
    reason = "described, not made: keys are written by `countersign_core::keys::Jwk`"
)]
struct JwkMembers {
    /// `EC`, `OKP` or `RSA`.
    #[schema(example = "EC")]
    kty: String,
    #[schema(example = "ES256")]
    alg: String,
    /// `sig`.
    #[schema(rename = "use", example = "sig")]
    usage: String,
    /// Names the key.
    kid: String,
    /// The curve of an `EC` or `OKP` key.
    #[schema(required = false, example = "P-256")]
    crv: String,
    #[schema(required = false)]
    x: String,
    #[schema(required = false)]
    y: String,
    /// The modulus of an `RSA` key.
    #[schema(required = false)]
    n: String,
    /// The exponent of an `RSA` key.
    #[schema(required = false)]
    e: String,
}

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// The public keys that access tokens are signed with.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "getJwks", tag = "keys", responses(
    (status = 200, description = "A JWK set (RFC 7517)", body = JwkSet, content_type = "application/jwk-set+json"),
    Public,
))]
pub(super) async fn keys(State(server): State<Server>) -> Response {
    public_document("application/jwk-set+json", &JwkSet { keys: server.web.auth.public_keys() })
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "operation", responses(
    (status = 200, body = Health, description = "The process answers"),
    Public,
))]
pub(super) async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The database answers, this node knows what has been revoked, and it is not about to stop.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "operation", responses(
    (status = 200, body = Health, description = "The server takes requests"),
    (status = 503, body = ProblemBody, description = "Not now", content_type = "application/problem+json"),
    Public,
))]
pub(super) async fn ready(
    State(server): State<Server>,
    Extension(client): Extension<Client>,
) -> Result<Json<Health>, Response> {
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
