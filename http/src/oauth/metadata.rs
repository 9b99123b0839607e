//! OAuth metadata for automatic client configuration: the authorization server (RFC 8414) and the
//! API as a protected resource (RFC 9728). Members without a value are omitted (RFC 8414, 3.2).
//! That includes `response_types_supported`, because there is no authorization endpoint.

use super::token::GRANT_TYPES;
use crate::{
    HttpState,
    api::{openapi_responses::PublicResponses, public_document::public_document},
};
use axum::{extract::State, response::Response};
use countersign_core::sessions::access_token::{ACCOUNT_SCOPE, ADMIN_SCOPE};
use serde::Serialize;
use utoipa::ToSchema;

/// The endpoints and capabilities of the authorization server (RFC 8414, 2).
#[derive(Serialize, ToSchema)]
pub(crate) struct Metadata {
    issuer: String,
    jwks_uri: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    scopes_supported: [&'static str; 2],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    introspection_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    introspection_endpoint_auth_methods_supported: Option<[&'static str; 2]>,
    service_documentation: String,
}

/// The API as a protected resource (RFC 9728, 2).
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceMetadata {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: [&'static str; 2],
    bearer_methods_supported: [&'static str; 1],
    resource_documentation: String,
}

/// Returns the metadata of the authorization server.
#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server",
    operation_id = "getAuthorizationServerMetadata",
    tag = "oauth",
    security(()),
    responses(
        (status = 200, body = Metadata, description = "The metadata (RFC 8414)"),
        PublicResponses,
    ),
)]
pub(crate) async fn server_metadata(State(server): State<HttpState>) -> Response {
    let at = |path: &str| format!("{}{path}", server.origin());
    let introspects = server.settings().introspection_secret.is_some();
    public_document(
        "application/json",
        &Metadata {
            issuer: server.origin().to_string(),
            jwks_uri: at("/.well-known/jwks.json"),
            token_endpoint: at("/oauth/token"),
            token_endpoint_auth_methods_supported: ["none"],
            grant_types_supported: GRANT_TYPES,
            scopes_supported: [ACCOUNT_SCOPE, ADMIN_SCOPE],
            revocation_endpoint: at("/oauth/revoke"),
            revocation_endpoint_auth_methods_supported: ["none"],
            introspection_endpoint: introspects.then(|| at("/oauth/introspect")),
            introspection_endpoint_auth_methods_supported: introspects
                .then_some(["client_secret_basic", "client_secret_post"]),
            service_documentation: at("/openapi.json"),
        },
    )
}

/// Returns the metadata of the protected resource.
#[utoipa::path(
    get,
    path = "/.well-known/oauth-protected-resource",
    operation_id = "getProtectedResourceMetadata",
    tag = "oauth",
    security(()),
    responses(
        (status = 200, body = ResourceMetadata, description = "The metadata (RFC 9728)"),
        PublicResponses,
    ),
)]
pub(crate) async fn resource_metadata(State(server): State<HttpState>) -> Response {
    let origin = server.origin().to_string();
    public_document(
        "application/json",
        &ResourceMetadata {
            resource: origin.clone(),
            resource_documentation: format!("{origin}/openapi.json"),
            authorization_servers: [origin],
            scopes_supported: [ACCOUNT_SCOPE, ADMIN_SCOPE],
            bearer_methods_supported: ["header"],
        },
    )
}
