//! The public keys of the server as a JWK set (RFC 7517).

use super::{openapi_responses::PublicResponses, public_document::public_document};
use crate::HttpState;
use axum::{extract::State, response::Response};
use countersign_core::keys::Jwk;
use serde::Serialize;
use utoipa::ToSchema;

/// A JWK set (RFC 7517, 5).
#[derive(Serialize, ToSchema)]
pub(crate) struct JwkSet {
    #[schema(value_type = Vec<JwkMembers>)]
    keys: Vec<Jwk>,
}

/// A public key that verifies access tokens (RFC 7517, 4). Its other members depend on `kty` (RFC
/// 7518, 6; RFC 8037, 2).
#[derive(ToSchema)]
#[schema(as = Jwk)]
#[expect(
    dead_code,
    reason = "only for the OpenAPI description: `countersign_core::keys::Jwk` is serialized"
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
    /// The key ID.
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

/// Returns the public keys that verify access tokens.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "getJwks",
    tag = "keys",
    security(()),
    responses(
        (
            status = 200,
            description = "A JWK set (RFC 7517)",
            body = JwkSet,
            content_type = "application/jwk-set+json",
        ),
        PublicResponses,
    ),
)]
pub(crate) async fn jwks(State(server): State<HttpState>) -> Response {
    public_document("application/jwk-set+json", &JwkSet { keys: server.auth().public_keys() })
}
