//! Where to go after a log-in: a path on this origin, whatever was asked for. (CWE-601; ASVS 5.0 3.7.2.)

/// Where people go when they did not come from anywhere.
pub const HOME: &str = "/account";
/// Longer ones are not ours.
const MAX: usize = 1024;

/// A path on this origin that is safe in a `Location` header and in the browser's router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    /// Anything that is not plainly a path of a page of ours becomes [`HOME`]. It cannot fail: a spoilt link must not stop a log-in.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(if is_local(text) { text } else { HOME }.to_owned())
    }

    /// The path, with its query if it has one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Next {
    fn default() -> Self {
        Self(HOME.to_owned())
    }
}

fn is_local(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    // Only what a path of ours can look like: no second slash, no dot segment, nothing encoded that a proxy might decode into one.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~.".contains(&byte);
    let page = !["/login", "/signup", "/logout", "/fn", "/api", "/pkg", "/oauth"]
        .iter()
        .any(|other| path == *other || path.strip_prefix(other).is_some_and(|rest| rest.starts_with('/')));
    text.len() <= MAX
        && text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\')
        && path.starts_with('/')
        && path.bytes().all(plain)
        && !path.contains("//")
        && !path.split('/').any(|part| part == "." || part == "..")
        && page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_ours_are_kept() {
        for text in ["/", "/account", "/account/activity", "/account/activity?cursor=abc%3D"] {
            assert_eq!(Next::parse(text).as_str(), text);
        }
    }

    #[test]
    fn everything_else_leads_home() {
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
            assert_eq!(Next::parse(text).as_str(), HOME, "{text:?}");
        }
        assert_eq!(Next::parse(&format!("/{}", "a".repeat(8192))).as_str(), HOME);
    }
}
