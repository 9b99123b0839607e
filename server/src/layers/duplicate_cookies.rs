//! One refresh cookie per request, where a browser sends several of that name.
//!
//! Over plain http, which is for loopback and private addresses only, another port of the same host
//! can set a cookie of our name, and a browser sends it beside ours. Whatever it holds must not log
//! its user out. (Over https the prefix `__Host-` allows one cookie of a name only.)

use crate::Server;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use countersign_core::{Client, Presented};
use countersign_leptos::edge::cookie;

/// Leaves of several refresh cookies the last that is good, so that everything behind sees at most
/// one. If none of them is, the request stays as it is. At most [`cookie::MAX_DUPLICATES`] are
/// tried, and a forged one costs no database read.
pub async fn keep_good_one(
    State(server): State<Server>,
    mut request: Request,
    next: Next,
) -> Response {
    let names = &server.web.cookies;
    let tokens = cookie::refresh_cookies(request.headers(), names);
    if tokens.len() > 1 {
        let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
        for token in tokens.iter().rev() {
            let shown = server.web.auth.signed_in(&client, Presented::Cookie(token)).await;
            // Good, or it cannot be told now, which the handler finds out again.
            if !matches!(
                shown,
                Err(countersign_core::Error::SignedOut | countersign_core::Error::Stale)
            ) {
                cookie::keep_only(request.headers_mut(), names, token);
                break;
            }
        }
    }
    next.run(request).await
}
