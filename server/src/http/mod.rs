//! The JSON API, and what other programs need to know of this server. Each handler is a few lines
//! over a flow of `core`.
//!
//! Errors are RFC 9457 problems with stable codes; credentials are RFC 6750 Bearer tokens. The
//! description of it all is made from the annotations of the handlers and served at
//! `/openapi.json`.

mod account;
mod admin;
mod body;
mod caller;
mod doors;
mod identity;
mod leaving;
mod list;
pub(crate) mod oauth;
mod operation;
mod path_id;
pub mod problem;
pub(crate) mod public_document;
mod refusals;
mod sessions;
pub(crate) mod time;
pub(crate) mod well_known;

pub use caller::{Caller, signed_in_only};
pub(crate) use caller::{X_ACCESS_TOKEN, two_credentials};
pub(crate) use leaving::{Export, exported_session};

use crate::Server;
use axum::{http::StatusCode, response::Response};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign", description = "Accounts, sessions and tokens.", license(name = "MIT", identifier = "MIT")),
    tags(
        (name = "auth", description = "Sign up, log in, refresh, log out."),
        (name = "me", description = "The account of the user."),
        (name = "admin", description = "The accounts of others, for administrators."),
        (name = "oauth", description = "OAuth 2.0 endpoints for standard clients."),
        (name = "keys", description = "The public keys that verify access tokens."),
        (name = "operation", description = "Health and readiness."),
    ),
    modifiers(&SecuritySchemes)
)]
struct Description;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        components.add_security_scheme(
            "introspection",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build()),
        );
    }
}

/// All of it.
pub fn routes() -> OpenApiRouter<Server> {
    let mut routes = described_routes();
    declare_public_operations(routes.get_openapi_mut());
    routes
}

/// Writes `security: []` at every operation that names no security requirement: it needs no
/// credential (OpenAPI 3.1, 4.8.10).
fn declare_public_operations(openapi: &mut utoipa::openapi::OpenApi) {
    for path in openapi.paths.paths.values_mut() {
        let operations =
            [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
        for operation in operations.into_iter().flatten() {
            operation.security.get_or_insert_default();
        }
    }
}

fn described_routes() -> OpenApiRouter<Server> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(doors::sign_up))
        .routes(routes!(doors::log_in))
        .routes(routes!(doors::refresh))
        .routes(routes!(doors::log_out))
        .routes(routes!(identity::verify))
        .routes(routes!(account::me, account::change_me))
        .routes(routes!(account::change_password))
        .routes(routes!(account::activity))
        .routes(routes!(leaving::export))
        .routes(routes!(leaving::delete_account, leaving::keep_account))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(admin::users))
        .routes(routes!(admin::user))
        .routes(routes!(admin::disable))
        .routes(routes!(admin::enable))
        .routes(routes!(admin::end_sessions))
        .routes(routes!(admin::set_role))
        .routes(routes!(oauth::revoke))
        .routes(routes!(oauth::introspect))
        .routes(routes!(oauth::token::exchange))
        .routes(routes!(oauth::metadata::server_metadata))
        .routes(routes!(oauth::metadata::resource_metadata))
        .routes(routes!(operation::keys))
        .routes(routes!(operation::alive))
        .routes(routes!(operation::ready))
}

/// An address below `/api` or `/fn` that is none: never a page.
pub async fn not_found() -> Response {
    problem::plain(StatusCode::NOT_FOUND)
}

/// A method that an address does not know.
pub async fn not_this_method() -> Response {
    problem::plain(StatusCode::METHOD_NOT_ALLOWED)
}
