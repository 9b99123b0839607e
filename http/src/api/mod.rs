//! The routes for programs: the JSON API, the OAuth endpoints and the health checks. Each handler
//! is a thin layer over a flow of `core`. The handlers of the OAuth endpoints are in
//! [`crate::oauth`].
//!
//! Errors are problem details (RFC 9457) with stable codes; credentials are bearer tokens (RFC
//! 6750). The OpenAPI description is generated from the annotations of the handlers and served at
//! `/openapi.json`.

pub mod access;
mod account;
mod account_deletion;
mod admin;
mod auth;
mod email_change;
mod email_verification;
mod export;
mod health;
mod identity;
mod invitations;
mod jwks;
mod one_time_code;
pub(crate) mod openapi_responses;
mod openapi_schemas;
mod password_reset;
pub mod public_document;
mod security_txt;
mod sessions;
mod token_response;

pub use security_txt::security_txt;

use crate::{HttpState, oauth};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        // That of the API. The version of the program would tell attackers which vulnerabilities to
        // try.
        version = "1",
        description = "Accounts, sessions and tokens.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "auth", description = "Sign up, log in, refresh, log out."),
        (name = "me", description = "The account of the user."),
        (name = "admin", description = "The accounts of others, for administrators."),
        (name = "oauth", description = "OAuth 2.0 endpoints for standard clients."),
        (name = "keys", description = "The public keys that verify access tokens."),
        (name = "operation", description = "Health and readiness."),
    ),
    modifiers(&SecuritySchemes),
)]
struct Description;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let scheme = scheme
            .description(Some(
                "An access token. `admin`: with the scope `admin`. `fresh`: with an `auth_time` \
                 of at most 10 minutes ago.",
            ))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        components.add_security_scheme(
            "introspection",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build()),
        );
    }
}

/// Returns all routes with their OpenAPI description. The `security(…)` in the annotation of a
/// handler is the access level of its operation: see [`access`].
pub fn routes() -> OpenApiRouter<HttpState> {
    let mut routes = described_routes();
    describe_public_operations(routes.get_openapi_mut());
    openapi_schemas::complete(routes.get_openapi_mut());
    routes
}

/// Describes public operations, which are annotated with `security(())`, as the specification does:
/// an empty array means that no credential is needed (OpenAPI 3.1, 4.8.10).
///
/// # Panics
///
/// If an operation declares no access level. A forgotten line must not make it public.
fn describe_public_operations(openapi: &mut utoipa::openapi::OpenApi) {
    let public = vec![SecurityRequirement::default()];
    for path in openapi.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.delete,
            &mut path.patch,
            &mut path.head,
            &mut path.options,
            &mut path.trace,
        ];
        for operation in operations.into_iter().flatten() {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let security = operation.security.as_mut();
            let security = security.unwrap_or_else(|| panic!("{id} has no `security(…)`"));
            if *security == public {
                security.clear();
            }
        }
    }
}

fn described_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(auth::sign_up))
        .routes(routes!(auth::log_in))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::log_out))
        .routes(routes!(password_reset::forgot_password))
        .routes(routes!(password_reset::reset_password))
        .routes(routes!(email_verification::verify_email))
        .routes(routes!(email_verification::resend_verification))
        .routes(routes!(identity::verify))
        .routes(routes!(account::me, account::update_me))
        .routes(routes!(account::change_password))
        .routes(routes!(account::confirm_password))
        .routes(routes!(email_change::request_email_change, email_change::cancel_email_change))
        .routes(routes!(email_change::send_verification))
        .routes(routes!(email_change::confirm_email))
        .routes(routes!(account::activity))
        .routes(routes!(export::export))
        .routes(routes!(account_deletion::request_deletion, account_deletion::cancel_deletion))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::revoke))
        .routes(routes!(admin::users))
        .routes(routes!(admin::user))
        .routes(routes!(admin::disable))
        .routes(routes!(admin::enable))
        .routes(routes!(admin::revoke_sessions))
        .routes(routes!(admin::set_role))
        .routes(routes!(invitations::create, invitations::list))
        .routes(routes!(invitations::revoke))
        .routes(routes!(oauth::revoke))
        .routes(routes!(oauth::introspect))
        .routes(routes!(oauth::token::exchange))
        .routes(routes!(oauth::metadata::server_metadata))
        .routes(routes!(oauth::metadata::resource_metadata))
        .routes(routes!(jwks::jwks))
        .routes(routes!(health::liveness))
        .routes(routes!(health::readiness))
}
