//! `/link?token=…`: the address in emails, and the setup link for the first administrator. It moves
//! the token from the URL into a cookie and redirects to the page of the link, so that the token is
//! in no address bar, no `Referer` and no log.
//!
//! Opening a link changes nothing, however often mail scanners do it: only the form of its page
//! uses the link.

use axum::{
    extract::{RawQuery, State},
    http::{
        HeaderValue, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
    response::{AppendHeaders, IntoResponse, Response},
};
use countersign_core::one_time_links::LinkPurpose;
use countersign_http::{HttpState, cookies};
use countersign_leptos::routes::{CONFIRM, RESET, SECURE, SIGN_UP_FIRST_ADMIN, SIGN_UP_INVITED};

/// Redirects to the page of the link. A token that this server did not create leads to the page of
/// an expired link.
pub(crate) async fn open_link(
    State(http): State<HttpState>,
    RawQuery(query): RawQuery,
) -> Response {
    let token = query.as_deref().and_then(|query| query.strip_prefix("token="));
    let purpose = token.and_then(|token| http.auth().link_purpose(token));
    let (page, cookies) = match (purpose, token) {
        (Some(purpose), Some(token)) => {
            (page_of(purpose), vec![cookies::set_link_cookie(token, http.cookies())])
        }
        _ => (RESET, cookies::clear_link_cookie(http.cookies()).into()),
    };
    let cookies = AppendHeaders(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
    (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(page))], cookies).into_response()
}

const fn page_of(purpose: LinkPurpose) -> &'static str {
    match purpose {
        LinkPurpose::ResetPassword => RESET,
        LinkPurpose::SecureAccount | LinkPurpose::RestoreEmail => SECURE,
        LinkPurpose::SetUp => SIGN_UP_FIRST_ADMIN,
        LinkPurpose::Invitation | LinkPurpose::SharedInvitation => SIGN_UP_INVITED,
        LinkPurpose::SignUp | LinkPurpose::VerifyEmail | LinkPurpose::ChangeEmail => CONFIRM,
    }
}
