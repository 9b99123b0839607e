//! Who a request is from, for a reverse proxy that asks before it passes the request on to another
//! program (`auth_request` of nginx, `forward_auth` of Caddy).

use super::{caller::Caller, problem, refusals::Protected};
use crate::Server;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use countersign_core::{Presented, SignedIn};
use countersign_leptos::edge::cookie;
use countersign_types::view::Role;

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");

/// Tells a proxy whether a request is from a user who is signed in.
///
/// An access token counts, and so does the session of our own pages. Nothing changes, and the body
/// is empty: who the user is stands in headers.
#[utoipa::path(get, path = "/api/v1/auth/verify", operation_id = "verifySession", tag = "auth", security(("bearer" = []), ()), responses(
    (status = 200, description = "The user is signed in", headers(
        ("X-User-Id" = Option<String>, description = "The id of the user, where `COUNTERSIGN_IDENTITY_HEADERS` is on"),
        ("X-User-Roles" = Option<String>, description = "The roles of the user, separated by commas, where `COUNTERSIGN_IDENTITY_HEADERS` is on"),
    )),
    Protected,
))]
pub(super) async fn verify(
    State(server): State<Server>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let signed_in = signed_in(&server, &caller, &headers).await?;
    let mut response = StatusCode::OK.into_response();
    if server.identity_headers {
        let roles =
            signed_in.roles().iter().map(|role| Role::as_str(*role)).collect::<Vec<_>>().join(",");
        for (name, value) in [(USER_ID, signed_in.user().to_string()), (USER_ROLES, roles)] {
            // Both are plain ASCII: an id and fixed words.
            response.headers_mut().insert(
                name,
                HeaderValue::try_from(value)
                    .map_err(|_| problem::plain(StatusCode::INTERNAL_SERVER_ERROR))?,
            );
        }
    }
    Ok(response)
}

/// An access token first. The refresh cookie counts beside an access cookie that has expired, but
/// not beside an `Authorization`, which says for itself who the client wants to be. It is looked up
/// and not refreshed: the proxy could not hand the next one to the browser.
async fn signed_in<'a>(
    server: &'a Server,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<SignedIn<'a>, Response> {
    let refusal = match caller.signed_in(server).await {
        Ok(signed_in) => return Ok(signed_in),
        Err(refusal) => refusal,
    };
    let cookie = cookie::refresh_cookie(headers, &server.web.cookies)
        .filter(|_| refusal.status() == StatusCode::UNAUTHORIZED);
    match cookie {
        Some(token) if !headers.contains_key(AUTHORIZATION) => server
            .web
            .auth
            .signed_in(&caller.client, Presented::Cookie(&token))
            .await
            .map_err(|error| caller.refuse(error.into())),
        _ => Err(refusal),
    }
}
