//! Validated redirect paths, against open redirects (CWE-601; ASVS 5.0, 3.7.2).

use crate::path::is_at_or_below;

/// The redirect path after log-in and sign-up if no valid one is given.
pub const DEFAULT_REDIRECT: &str = "/account";
/// Maximum length in bytes of a path or URL.
pub(crate) const MAX_LENGTH: usize = 1024;

/// A path on this origin that is safe in a `Location` header and in `location.replace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectPath(String);

impl RedirectPath {
    /// Parses a path. Anything but a plain path of a page becomes [`DEFAULT_REDIRECT`], so that a
    /// damaged link never prevents a log-in.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(if is_safe(text) { text } else { DEFAULT_REDIRECT }.to_owned())
    }

    /// Returns the path with its query and fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RedirectPath {
    fn default() -> Self {
        Self(DEFAULT_REDIRECT.to_owned())
    }
}

/// Returns whether a text has only visible ASCII characters, and no backslash, which URL parsers
/// treat like a slash.
pub(crate) fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\')
}

fn is_safe(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    // Percent-encoding is not allowed in the path: a proxy could decode it to a second slash or a
    // dot segment.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~.".contains(&byte);
    let is_page = !["/login", "/signup", "/logout", "/fn", "/api", "/pkg", "/oauth"]
        .iter()
        .any(|other| is_at_or_below(path, other));
    text.len() <= MAX_LENGTH
        && is_printable(text)
        && path.starts_with('/')
        && path.bytes().all(plain)
        && !path.contains("//")
        && !path.split('/').any(|part| part == "." || part == "..")
        && is_page
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_of_pages_are_kept() {
        for text in ["/", "/account", "/account/activity", "/account/activity?cursor=abc%3D"] {
            assert_eq!(RedirectPath::parse(text).as_str(), text);
        }
    }

    #[test]
    fn unsafe_paths_become_the_default() {
        for text in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https:evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://app@evil.example",
            "%2f%2fevil.example",
            "/%2f%2fevil.example",
            "/%09/evil.example",
            "/\t/evil.example",
            "/..//evil.example",
            "/../x",
            "/./x",
            "/a//b",
            "／／evil.example",
            "/a\r\nSet-Cookie: x=1",
            "/a\0",
            "/é",
            "/login",
            "/login?next=/account",
            "/signup",
            "/fn/logout",
            "/api/v1/me",
        ] {
            assert_eq!(RedirectPath::parse(text).as_str(), DEFAULT_REDIRECT, "{text:?}");
        }
        assert_eq!(
            RedirectPath::parse(&format!("/{}", "a".repeat(8192))).as_str(),
            DEFAULT_REDIRECT
        );
    }

    /// Arbitrary text, and text made of the characters that have a meaning in URLs.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "/?[a-z/\\\\.:@?#%;&=~\"<>^`{|} \t\r\n-]{0,24}",
            "(/|%2f|%5c|\\\\|\\.|%2e|evil\\.example|account|https:|\t|\\?|#){1,8}"
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_redirect_path_stays_on_this_origin(text in text()) {
            crate::testing::assert_redirect_invariants(text.as_bytes());
        }
    }
}
