//! Paths of the pages, and the parameters in their query strings. Pure text functions, without
//! access to the request or the browser.

use crate::features;
use countersign_types::path::is_at_or_below;

/// Paths that need a session, with everything below them. The server redirects anonymous clients
/// before it renders such a page.
pub const PROTECTED: &[&str] = &["/account"];

/// The log-in page.
pub const LOG_IN: &str = "/login";
/// The sign-up page.
pub const SIGN_UP: &str = "/signup";

/// A page of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPage {
    /// The path of the page.
    pub path: &'static str,
    /// The heading, which is also the name in the navigation.
    pub heading: &'static str,
}

macro_rules! account_pages {
    ($($page:ident = $path:literal, $feature:ident;)+) => {
        $(
            #[doc = concat!("`", $path, "`")]
            pub const $page: AccountPage =
                AccountPage { path: $path, heading: features::$feature::messages::HEADING };
        )+

        /// Paths and headings of the account pages, in the order of the navigation.
        pub const ACCOUNT_NAV: &[(&str, &str)] = &[$(($page.path, $page.heading)),+];
    };
}

// The path of each account page, and the feature whose page it is.
account_pages! {
    PROFILE = "/account", profile;
    PASSWORD = "/account/password", password;
    SESSIONS = "/account/sessions", sessions;
    ACTIVITY = "/account/activity", activity;
    DATA = "/account/data", your_data;
}

/// `?delete`, on [`DATA`]: show the form that deletes the account.
pub const DELETE: &str = "delete";
/// The data export as JSON.
pub const DATA_JSON: &str = "/account/data.json";
/// The data export as an HTML document.
pub const DATA_HTML: &str = "/account/data.html";

/// `?bye`: the user has just logged out in this tab.
pub const LOGGED_OUT: &str = "bye";
/// `?elsewhere`: the user logged out in another tab.
pub const LOGGED_OUT_ELSEWHERE: &str = "elsewhere";
/// `?ended`: the session expired or was revoked.
pub const SESSION_EXPIRED: &str = "ended";
/// `?__path`: the server function that refused a plain form. The name is set by `server_fn`.
pub const FAILED_FUNCTION: &str = "__path";
/// `?__err`: the `Problem` of that function as text.
pub const ERROR: &str = "__err";
/// `?kept`: the account deletion was cancelled.
pub const DELETION_CANCELLED: &str = "kept";
/// `?saved`: a plain form was accepted.
pub const SAVED: &str = "saved";

/// Parameters of flash messages, which are shown once and not after a reload.
const FLASH_PARAMS: &[&str] = &[
    FAILED_FUNCTION,
    ERROR,
    LOGGED_OUT,
    LOGGED_OUT_ELSEWHERE,
    SESSION_EXPIRED,
    DELETION_CANCELLED,
    SAVED,
];

/// Returns whether a page needs a session.
pub fn is_protected(path: &str) -> bool {
    PROTECTED.iter().any(|page| is_at_or_below(path, page))
}

/// Returns the URL of the log-in page with a flash parameter and a redirect path. `encode` encodes
/// a query value.
pub fn log_in_url(flash: &str, next: &str, encode: impl Fn(&str) -> String) -> String {
    format!("{LOG_IN}?{flash}&next={}", encode(next))
}

/// Removes the flash parameters from a query string (with or without `?`). The result starts with
/// `?` unless it is empty.
pub fn strip_flash_params(query: &str) -> String {
    let kept: Vec<&str> = query
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.is_empty() && !FLASH_PARAMS.contains(&key(pair)))
        .collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

/// Returns whether a query string has the parameter `name`.
pub fn has_param(query: &str, name: &str) -> bool {
    query.trim_start_matches('?').split('&').any(|pair| key(pair) == name)
}

/// Returns the value of the parameter `name`, still percent-encoded.
pub fn param<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .trim_start_matches('?')
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

fn key(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_pages_and_subpaths_are_protected() {
        for path in ["/account", "/account/", "/account/activity"] {
            assert!(is_protected(path), "{path}");
        }
        for path in ["/", "/login", "/accounts", "/accountable/x", "/x/account"] {
            assert!(!is_protected(path), "{path}");
        }
    }

    #[test]
    fn flash_params_are_removed_and_others_kept() {
        assert_eq!(strip_flash_params("?bye"), "");
        assert_eq!(
            strip_flash_params("__path=%2Ffn%2Flogin&next=%2Faccount&__err=abc&__err=def&bye="),
            "?next=%2Faccount"
        );
        assert_eq!(strip_flash_params("?cursor=abc%3D&"), "?cursor=abc%3D");
        assert_eq!(strip_flash_params(""), "");
    }

    #[test]
    fn query_params_are_read_without_decoding() {
        assert!(
            has_param("?next=%2F&bye", LOGGED_OUT)
                && has_param("bye=", LOGGED_OUT)
                && !has_param("?goodbye", LOGGED_OUT)
                && !has_param("?next=bye", LOGGED_OUT)
        );
        assert_eq!(param("?elsewhere&next=%2Faccount", "next"), Some("%2Faccount"));
        assert_eq!(param("?elsewhere", "next"), None);
        assert_eq!(
            log_in_url(SESSION_EXPIRED, "/account", |text| text.replace('/', "%2F")),
            "/login?ended&next=%2Faccount"
        );
    }
}
