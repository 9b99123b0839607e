//! The redirect after a log-in or sign-up: to a page of this site, or to an application of the
//! operator. (Against open redirects: CWE-601; ASVS 5.0, 3.7.2.)

use crate::redirect_path::{MAX_LENGTH, RedirectPath, is_printable};

/// The applications to which users return.
#[derive(Clone, Debug, Default)]
pub struct ReturnUrls {
    /// The URL to continue at if `next` is empty. `None`: the account page.
    pub default_url: Option<String>,
    /// The origins to which a link to the log-in page may return, such as
    /// `https://app.example.com`.
    pub origins: Vec<String>,
}

impl ReturnUrls {
    /// Returns where to continue. `next` is the value of a link and not validated: a path of a
    /// page, a URL of one of the origins, or empty. Anything else leads to the account page.
    #[must_use]
    pub fn resolve(&self, next: &str) -> String {
        match &self.default_url {
            Some(url) if next.is_empty() => url.clone(),
            _ if self.is_allowed_url(next) => next.to_owned(),
            _ => RedirectPath::parse(next).as_str().to_owned(),
        }
    }

    /// Returns whether a text is a URL of one of the origins. They are compared as text, so that no
    /// other parser can find another host in it.
    fn is_allowed_url(&self, text: &str) -> bool {
        let is_below = |origin: &String| {
            text.strip_prefix(origin.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        };
        text.len() <= MAX_LENGTH && is_printable(text) && self.origins.iter().any(is_below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redirect_path::DEFAULT_REDIRECT;
    use proptest::prelude::*;
    use url::Url;

    fn urls() -> ReturnUrls {
        ReturnUrls {
            default_url: None,
            origins: ["https://app.example.com", "http://localhost:5173"].map(str::to_owned).into(),
        }
    }

    #[test]
    fn urls_of_listed_origins_and_own_paths_are_kept() {
        for next in [
            "https://app.example.com",
            "https://app.example.com/",
            "https://app.example.com/notes/1?x=1&y=%20#end",
            "https://app.example.com?a",
            "http://localhost:5173/",
            "/account/activity",
        ] {
            assert_eq!(urls().resolve(next), next);
        }
    }

    #[test]
    fn other_urls_lead_to_the_account() {
        for next in [
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://app.example.com:8443/",
            "https://app.example.com\\@evil.example/",
            "https://app.example.com\\.evil.example/",
            "https://app.example.com/\r\nSet-Cookie: x=1",
            "https://app.example.com/\t",
            "https://app.example.com\u{ff0f}evil",
            "https://APP.example.com/",
            "http://app.example.com/",
            "//app.example.com/",
            "https:/app.example.com/",
            " https://app.example.com/",
            "http://localhost:51730/",
            "http://localhost:5173@evil.example/",
            "javascript:https://app.example.com/",
        ] {
            assert_eq!(urls().resolve(next), DEFAULT_REDIRECT, "{next:?}");
        }
        let long = format!("https://app.example.com/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(urls().resolve(&long), DEFAULT_REDIRECT);
    }

    #[test]
    fn empty_target_leads_to_the_application_if_there_is_one() {
        assert_eq!(urls().resolve(""), DEFAULT_REDIRECT);
        let default_url = Some("https://app.example.com/home".to_owned());
        let urls = ReturnUrls { default_url, ..urls() };
        assert_eq!(urls.resolve(""), "https://app.example.com/home");
        assert_eq!(urls.resolve("/account"), "/account");
        assert_eq!(urls.resolve("https://evil.example"), DEFAULT_REDIRECT);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_target_is_on_this_site_or_a_listed_origin(
            rest in "[a-z/\\\\.:@?#%;&=~\"<>^`{|} \t\r\n-]{0,24}",
        ) {
            let urls = urls();
            for origin in &urls.origins {
                let target = urls.resolve(&format!("{origin}{rest}"));
                let found = Url::parse(&target).map(|url| url.origin().ascii_serialization());
                prop_assert!(
                    target.starts_with('/') && !target.starts_with("//")
                        || found.as_ref() == Ok(origin),
                    "{target:?}"
                );
            }
        }
    }
}
