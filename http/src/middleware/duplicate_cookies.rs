//! Removes duplicate refresh cookies from requests.
//!
//! With plain http, which is allowed for loopback and private addresses only, another port of the
//! same host can set a cookie of the same name, and browsers send both. Such a cookie must not log
//! the user out. (With https, the prefix `__Host-` prevents duplicates.)

use crate::{HttpState, context::request_context, cookies};
use axum::http::request::Parts;
use countersign_core::PresentedCredential;

/// Keeps the last valid one of several refresh cookies, so that later code sees at most one. If
/// none is valid, the request is unchanged. At most [`cookies::MAX_DUPLICATES`] cookies are
/// checked, and a forged one costs no database read.
pub(super) async fn keep_valid_cookie(server: &HttpState, request: &mut Parts) {
    let names = server.cookies();
    let tokens = cookies::refresh_cookies(&request.headers, names);
    if tokens.len() > 1 {
        let client = request_context(&request.extensions);
        for token in tokens.iter().rev() {
            let result = server.auth().signed_in(&client, PresentedCredential::Cookie(token)).await;
            // Valid, or its validity is unknown at the moment, which the handler will find out too.
            if !matches!(
                result,
                Err(countersign_core::Error::Unauthenticated
                    | countersign_core::Error::RefreshSuperseded)
            ) {
                cookies::retain_refresh_cookie(&mut request.headers, names, token);
                break;
            }
        }
    }
}
