//! Paths and access levels of the pages, and the parameters in their query strings. Pure text
//! functions, without access to the request or the browser.

use crate::{features, messages, ui::Icon};
use countersign_types::{Access, Message, path::is_at_or_below};

macro_rules! site_pages {
    ($($(#[$doc:meta])+ $page:ident = $path:literal;)+) => {
        $($(#[$doc])+ pub const $page: &str = $path;)+

        const SITE_PAGES: &[&str] = &[$($page),+];
    };
}

// The pages without a row in `feature_pages!`. All are public.
site_pages! {
    /// The home page.
    HOME = "/";
    /// The log-in page.
    LOG_IN = "/login";
    /// The sign-up page.
    SIGN_UP = "/signup";
    /// The component gallery, if it is on.
    GALLERY = "/gallery";
    /// The brand editor, a part of the gallery.
    BRAND_EDITOR = "/gallery/brand";
}

/// A page of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPage {
    /// The path of the page.
    pub path: &'static str,
    /// The heading, which is also the name in the navigation.
    pub heading: Message,
    /// The group in the navigation.
    pub group: NavGroup,
    /// The icon in the navigation.
    pub icon: Icon,
}

/// A group of account pages in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NavGroup {
    /// Who the user is. Without a title.
    Profile,
    /// How the user logs in, and where.
    Security,
    /// The account as a whole.
    Account,
}

impl NavGroup {
    /// All groups, in the order of the navigation.
    pub const ALL: [Self; 3] = [Self::Profile, Self::Security, Self::Account];

    /// Returns the title; empty for none.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Profile => "",
            Self::Security => messages::SECURITY_PAGES.text(),
            Self::Account => messages::YOUR_ACCOUNT_PAGES.text(),
        }
    }
}

/// Passes the table of the account pages and of the pages with a single task to another macro:
/// `$use! { account { CONSTANT = PATH, feature::Component, Group, Icon; … } single_task { CONSTANT
/// = PATH, Level, feature::Component; … } }`. The heading of a page is `HEADING` in the texts of
/// its feature.
///
/// The pages of `account` are for signed-in users, in the order of the navigation, with
/// [`NavGroup`] and [`Icon`]. Those of `single_task` have no place in it; most belong to links that
/// are sent by email.
macro_rules! feature_pages {
    ($use:ident) => {
        $use! {
            account {
                PROFILE = "/account", profile::ProfilePage, Profile, User;
                EMAIL = "/account/email", email::EmailPage, Profile, Mail;
                PASSWORD = "/account/password", password::PasswordPage, Security, Lock;
                SESSIONS = "/account/devices", sessions::SessionsPage, Security, Devices;
                ACTIVITY = "/account/activity", activity::ActivityPage, Security, Clock;
                DATA = "/account/data", your_data::YourDataPage, Account, Data;
            }
            single_task {
                FORGOT = "/forgot", Public, forgot_password::ForgotPasswordPage;
                RESET = "/reset", Public, reset_password::ResetPasswordPage;
                SECURE = "/secure", Public, secure_account::SecureAccountPage;
                VERIFY = "/verify", Public, verify_email::VerifyEmailPage;
                CONFIRM = "/confirm", Public, confirm_email::ConfirmEmailPage;
                CONFIRM_PASSWORD = "/account/confirm-password", SignedIn,
                    confirm_password::ConfirmPasswordPage;
            }
        }
    };
}
#[cfg(feature = "ssr")]
pub(crate) use feature_pages;

macro_rules! declare_feature_pages {
    (
        account {
            $($page:ident = $path:literal, $feature:ident::$component:ident,
                $group:ident, $icon:ident;)+
        }
        single_task {
            $($task_page:ident = $task_path:literal, $task_level:ident,
                $($task_component:ident)::+;)+
        }
    ) => {
        $(
            #[doc = concat!("`", $path, "`")]
            pub const $page: AccountPage = AccountPage {
                path: $path,
                heading: features::$feature::messages::HEADING,
                group: NavGroup::$group,
                icon: Icon::$icon,
            };
        )+
        $(
            #[doc = concat!("`", $task_path, "`")]
            pub const $task_page: &str = $task_path;
        )+

        const FEATURE_PAGES: &[(&str, Access)] = &[
            $(($page.path, Access::SignedIn),)+
            $(($task_page, Access::$task_level),)+
        ];

        /// The account pages, in the order of the navigation.
        pub const ACCOUNT_PAGES: &[AccountPage] = &[$($page),+];

        /// The pages with a single task and without a site header.
        const AUTH_PAGES: &[&str] = &[LOG_IN, SIGN_UP, $($task_page),+];
    };
}
feature_pages!(declare_feature_pages);

/// `?setup`, on [`SIGN_UP`]: the browser has opened the setup link. Also the value of the link
/// token in the form of that page, which stands for the one in the link cookie.
pub const SETUP: &str = "setup";
/// `?invitation`, on [`SIGN_UP`]: the browser has opened an invitation.
pub const INVITATION: &str = "invitation";
/// The sign-up page for an invitation.
pub const SIGN_UP_INVITED: &str = "/signup?invitation";
/// The sign-up page for the first administrator.
pub const SIGN_UP_FIRST_ADMIN: &str = "/signup?setup";

/// `?sent`: on [`FORGOT`], the id of the link that was sent; on [`EMAIL`], a code was sent; on
/// [`VERIFY`], another one was.
pub const SENT: &str = "sent";

/// Returns the URL of the page for the code of a link.
pub fn sent_page(link_id: &str) -> String {
    format!("{FORGOT}?{SENT}={link_id}")
}

/// Returns the URL of the page for the code of an email address.
pub fn email_page_for_code() -> String {
    format!("{}?{SENT}", EMAIL.path)
}

/// Returns the URL of the page for the email address after it was confirmed.
pub fn email_page_after_change() -> String {
    format!("{}?{SAVED}", EMAIL.path)
}

/// Returns the URL of the log-in page after a new password was chosen with a link.
pub fn log_in_after_reset() -> String {
    format!("{LOG_IN}?{PASSWORD_RESET}")
}

/// `?report`, on [`PASSWORD`]: the user does not recognise a log-in.
pub const REPORT: &str = "report";

/// `?delete`, on [`DATA`]: show the form that deletes the account.
pub const DELETE: &str = "delete";
/// The data export as JSON.
pub const DATA_JSON: &str = "/account/data.json";
/// The data export as an HTML document.
pub const DATA_HTML: &str = "/account/data.html";

/// The downloads with their access levels. The server handles them itself.
pub const DOWNLOADS: [(&str, Access); 2] = [(DATA_JSON, Access::Fresh), (DATA_HTML, Access::Fresh)];

/// `?confirmed`, on [`DATA`]: the user has confirmed the password.
pub const CONFIRMED: &str = "confirmed";

/// Returns the URL of the page that follows when a user has confirmed the password for a page or
/// download. Users are not redirected to a download: the browser would save it without showing a
/// page.
pub fn page_after_confirmation(path: &str) -> String {
    if is_download(path) { format!("{}?{CONFIRMED}", DATA.path) } else { path.to_owned() }
}

/// Returns whether a path is a download.
pub fn is_download(path: &str) -> bool {
    DOWNLOADS.iter().any(|(download, _)| *download == path)
}

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
/// `?reset`: the password was replaced with a link.
pub const PASSWORD_RESET: &str = "reset";
/// `?kept`: the account deletion was cancelled.
pub const DELETION_CANCELLED: &str = "kept";
/// `?saved`: a plain form was accepted.
pub const SAVED: &str = "saved";

/// `?welcome`, on [`PROFILE`]: the user has just signed up.
pub const WELCOME: &str = "welcome";

/// Returns the URL of the page after a sign-up.
pub fn welcome_page() -> String {
    format!("{}?{WELCOME}", PROFILE.path)
}

/// Parameters of flash messages, which are shown once and not after a reload.
const FLASH_PARAMS: &[&str] = &[
    FAILED_FUNCTION,
    ERROR,
    LOGGED_OUT,
    LOGGED_OUT_ELSEWHERE,
    SESSION_EXPIRED,
    PASSWORD_RESET,
    DELETION_CANCELLED,
    SAVED,
    CONFIRMED,
    WELCOME,
];

/// Returns the access level of a page, or `None` if there is no such page.
pub fn access_level(path: &str) -> Option<Access> {
    pages().find_map(|(page, level)| (page == path).then_some(level))
}

/// Returns the access levels of a path: those of the pages and downloads at or above it, except
/// public.
pub fn required_levels(path: &str) -> impl Iterator<Item = Access> {
    let pages = FEATURE_PAGES.iter().copied();
    pages
        .chain(DOWNLOADS)
        .filter(move |(page, level)| *level != Access::Public && is_at_or_below(path, page))
        .map(|(_, level)| level)
}

/// Returns whether a path needs a session. The server redirects anonymous clients before it renders
/// such a page.
pub fn is_protected(path: &str) -> bool {
    required_levels(path).next().is_some()
}

/// Returns whether a page has a single task, and therefore no site header.
pub fn is_auth_page(path: &str) -> bool {
    AUTH_PAGES.contains(&path)
}

/// Returns whether a page leads to a new session.
pub fn is_log_in_page(path: &str) -> bool {
    [LOG_IN, SIGN_UP, VERIFY, CONFIRM].contains(&path)
}

/// Returns path and access level of each page.
pub fn pages() -> impl Iterator<Item = (&'static str, Access)> {
    let site_pages = SITE_PAGES.iter().map(|path| (*path, Access::Public));
    site_pages.chain(FEATURE_PAGES.iter().copied())
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
    fn download_requires_fresh_authentication_and_continues_at_its_page() {
        for (path, _) in DOWNLOADS {
            assert!(required_levels(path).any(|level| level == Access::Fresh), "{path}");
            assert_eq!(page_after_confirmation(path), "/account/data?confirmed");
        }
        assert_eq!(page_after_confirmation("/account/email"), "/account/email");
        assert!(required_levels("/account/data").all(|level| level == Access::SignedIn));
    }

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
    fn page_has_its_own_access_level() {
        assert_eq!(access_level("/login"), Some(Access::Public));
        assert_eq!(access_level("/account/data"), Some(Access::SignedIn));
        assert_eq!(access_level("/account/none"), None);
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
