//! The redirect after log-in or sign-up. The rules are in [`countersign_types::ReturnUrls`].

use crate::browser;
use countersign_types::views::LogInResponse;

/// (server) Adds the value of a link, which is not validated yet, to the URL of a page.
#[cfg(feature = "ssr")]
pub(crate) fn with_return_to(page: &str, next: &str) -> String {
    if next.is_empty() {
        page.to_owned()
    } else {
        format!("{page}?next={}", encode(&crate::request::return_url(next)))
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

/// (server) Percent-encodes a query value.
#[cfg(feature = "ssr")]
fn encode(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/:".contains(&byte);
    text.bytes()
        .map(|byte| {
            if is_unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect()
}

/// (browser) Redirects after log-in or sign-up. The client has already stored the token, and the
/// server has validated the URL.
#[expect(clippy::needless_pass_by_value, reason = "the handler of a form action")]
pub(crate) fn continue_to(response: LogInResponse) {
    browser::replace_page(&response.next);
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn return_url_is_validated_and_encoded() {
        assert_eq!(with_return_to("/signup", ""), "/signup");
        // Without the settings of a server, everything leads to the account.
        assert_eq!(with_return_to("/signup", "//evil.example"), "/signup?next=/account");
        assert_eq!(
            encode("https://app.example/a?cursor=a%3D&x#y"),
            "https://app.example/a%3Fcursor%3Da%253D%26x%23y"
        );
    }
}
