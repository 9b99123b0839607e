//! Authentication for reverse proxies, which send a subrequest before they forward a request to
//! another program (`auth_request` of nginx, `forward_auth` of Caddy).

use super::openapi_responses::AuthResponses;
use crate::{HttpState, cookies, error::ApiError, extract::RequestAuth, problem};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use countersign_core::{PresentedCredential, SignedIn};
use countersign_types::views::Role;

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");

/// Verifies a request for a reverse proxy.
///
/// Accepts an access token or a session of the server's own pages. Nothing is changed, and the
/// response body is empty: the user is in headers.
#[utoipa::path(
    get,
    path = "/api/v1/auth/verify",
    operation_id = "verifySession",
    tag = "auth",
    security(("bearer" = []), ()),
    responses(
        (
            status = 200,
            description = "The user is logged in",
            headers(
                (
                    "X-User-Id" = Option<String>,
                    description = "The user ID, if `COUNTERSIGN_IDENTITY_HEADERS` is on"
                ),
                (
                    "X-User-Roles" = Option<String>,
                    description = "The roles, separated by commas, if it is on"
                ),
            ),
        ),
        AuthResponses,
    ),
)]
pub(crate) async fn verify(
    State(server): State<HttpState>,
    auth: RequestAuth,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let signed_in = signed_in(&server, &auth, &headers).await?;
    let mut response = StatusCode::OK.into_response();
    if server.settings().identity_headers {
        let roles =
            signed_in.roles().iter().map(|role| Role::as_str(*role)).collect::<Vec<_>>().join(",");
        for (name, value) in [(USER_ID, signed_in.user().to_string()), (USER_ROLES, roles)] {
            // Both values are ASCII: an ID and fixed words.
            response.headers_mut().insert(
                name,
                HeaderValue::try_from(value)
                    .map_err(|_| problem::from_status(StatusCode::INTERNAL_SERVER_ERROR))?,
            );
        }
    }
    Ok(response)
}

/// Checks the access token first. The refresh cookie is accepted beside an expired access cookie,
/// but not beside an `Authorization` header, which explicitly names the credential. The refresh
/// token is checked and not rotated: the proxy couldn't pass the next one to the browser.
async fn signed_in<'a>(
    server: &'a HttpState,
    auth: &RequestAuth,
    headers: &HeaderMap,
) -> Result<SignedIn<'a>, ApiError> {
    let rejection = match auth.signed_in(server).await {
        Ok(signed_in) => return Ok(signed_in),
        Err(rejection) => rejection,
    };
    let cookie =
        cookies::refresh_cookie(headers, server.cookies()).filter(|_| rejection.status() == 401);
    match cookie {
        Some(token) if !headers.contains_key(AUTHORIZATION) => {
            let presented = PresentedCredential::Cookie(&token);
            Ok(server.auth().signed_in(&auth.client, presented).await?)
        }
        _ => Err(rejection),
    }
}
