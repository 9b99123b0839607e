//! The redirect after log-in or sign-up.

use crate::{browser, routes::is_protected};
use countersign_types::{RedirectPath, views::LogInResponse};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

/// Returns the redirect path in the query, unvalidated. The server and [`with_return_to`] validate
/// it.
pub(crate) fn return_to() -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let query = use_query_map();
    move || query.with(|query| query.get("next").unwrap_or_default())
}

/// Adds a redirect path to the URL of a page.
pub(crate) fn with_return_to(page: &str, next: &str) -> String {
    if next.is_empty() {
        page.to_owned()
    } else {
        format!("{page}?next={}", encode(RedirectPath::parse(next).as_str()))
    }
}

/// (server) Returns the URL of the page for the code of a sign-up or log-in. `next` is the redirect
/// path.
#[cfg(feature = "ssr")]
pub(crate) fn verify_page(next: &str) -> String {
    with_return_to(crate::routes::VERIFY, next)
}

/// (server) Returns the same URL after another code was sent.
#[cfg(feature = "ssr")]
pub(crate) fn verify_page_after_resend(next: &str) -> String {
    let page = verify_page(next);
    let separator = if page.contains('?') { '&' } else { '?' };
    format!("{page}{separator}{}", crate::routes::SENT)
}

/// Percent-encodes a query value. The browser has a function for that, but the server renders the
/// same link.
fn encode(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    text.bytes()
        .map(|byte| {
            if is_unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect()
}

/// Returns the handler that redirects after log-in or sign-up. The client has already stored the
/// token.
pub(crate) fn continue_to() -> impl Fn(LogInResponse) + Send + Sync + 'static {
    let navigate = use_navigate();
    move |response| {
        let path = response.next.split(['?', '#']).next().unwrap_or_default();
        if path == "/" || is_protected(path) {
            navigate(
                &response.next,
                NavigateOptions { replace: true, ..NavigateOptions::default() },
            );
        } else {
            // A page of another application on this origin, which the router doesn't know.
            browser::navigate_to(&response.next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_to_is_encoded_and_limited_to_own_paths() {
        assert_eq!(with_return_to("/signup", ""), "/signup");
        assert_eq!(
            with_return_to("/signup", "/account/activity?cursor=a%3D&x#y"),
            "/signup?next=/account/activity%3Fcursor%3Da%253D%26x%23y"
        );
        assert_eq!(with_return_to("/signup", "//evil.example"), "/signup?next=/account");
    }
}
