//! All texts that users read on pages, except those that are declared with their meaning: the texts
//! of problems, field errors and audit events are in [`countersign_types::problem`],
//! [`countersign_types::field_error`] and [`countersign_types::event_kind`]. Pages contain no text
//! of their own, so these modules are the ones to translate. Sentences are complete: `{}` is the
//! placeholder for an element such as a link.
//!
//! Style: short sentences, second person, contractions, one term for one thing (sign up, log in,
//! log out; email address, password, name).

use crate::browser::connection::Connection;
use countersign_types::{
    Field, MONTHS, TimeSpan,
    views::{Account, DEVICE_NAME_SEPARATOR, Role},
};
use std::borrow::Cow;

/// Language tag of all messages, for screen readers.
pub const LANGUAGE: &str = "en";

pub const PRODUCT: &str = "Countersign";
pub const DESCRIPTION: &str = "One place to log in, see your devices and stay in control.";

/// Returns the window title of the page with this heading. `product` is the name of the product.
pub fn window_title(heading: &str, product: &str) -> String {
    format!("{heading} · {product}")
}

pub const DEMO: &str = "This is a demonstration. Its data is deleted when the server stops.";
pub const DEMO_LABEL: &str = "About this server";
pub const SKIP: &str = "Skip to content";
pub const FOOTER: &str = "Powered by Countersign";

/// Returns the name of this product with its version.
pub fn version(version: &str) -> String {
    format!("{PRODUCT} {version}")
}

pub const FOOTER_NAV: &str = "Legal and help";
pub const TERMS: &str = "Terms";
pub const PRIVACY: &str = "Privacy";
pub const SUPPORT: &str = "Help";
pub const TRY_AGAIN: &str = "Try again";
pub const REFERENCE: &str = "Reference: {}";

/// Returns when a refused form is sent again automatically.
pub fn retry_in(seconds: u32) -> String {
    format!("Trying again automatically in {seconds} s.")
}

pub const CANCEL: &str = "Cancel";
pub const LOGGED_IN_AS: &str = "You're logged in as {}.";
pub const UNKNOWN_DEVICE: &str = "Unknown device";

/// Returns the name of a user, or the email address without one.
pub fn user_name(account: &Account) -> &str {
    account.name.as_deref().unwrap_or(&account.email)
}

/// Returns the initials of a user: the first letters of the first and last word of the name, or the
/// first letter of the email address.
pub fn initials(account: &Account) -> String {
    initials_of(user_name(account))
}

/// Returns the initials of a name; an email address is a single word.
fn initials_of(name: &str) -> String {
    let mut words = name.split(' ').filter(|word| !word.is_empty());
    let (first, last) = (words.next(), words.next_back());
    let letter = |word: &str| {
        word.chars().find(|letter| !letter.is_ascii_punctuation()).or_else(|| word.chars().next())
    };
    uppercase(&first.into_iter().chain(last).filter_map(letter).collect::<String>())
}

/// Returns the text in upper case. The browser has the tables for it.
fn uppercase(text: &str) -> String {
    #[cfg(feature = "ssr")]
    return text.to_uppercase();
    #[cfg(not(feature = "ssr"))]
    js_sys::JsString::from(text).to_upper_case().into()
}

/// Returns the name of a device. Names of programs and operating systems are the same in all
/// languages; only the text between them is translated.
pub fn device(name: Option<&str>) -> String {
    let Some(name) = name else { return UNKNOWN_DEVICE.to_owned() };
    name.split_once(DEVICE_NAME_SEPARATOR)
        .map_or_else(|| name.to_owned(), |(program, system)| format!("{program} on {system}"))
}

pub const LOG_IN: &str = "Log in";
pub const SIGN_UP: &str = "Sign up";
pub const LOG_OUT: &str = "Log out";
pub const LOGGING_OUT: &str = "Logging out…";
pub const STILL_LOGGED_IN: &str = "You're still logged in.";
pub const LOG_OUT_IS_RETRIED: &str = "Keep this page open: we'll keep trying for a minute.";

/// Labels of the navigation in the site header and beside the account pages.
pub const HEADER_NAV: &str = "Account";
pub const ACCOUNT_NAV: &str = "Account pages";
pub const ACCOUNT: &str = "Account";
pub const SECURITY_PAGES: &str = "Security";
pub const YOUR_ACCOUNT_PAGES: &str = "Your account";

pub const THEME: &str = "Theme";
pub const THEME_SYSTEM: &str = "System";
pub const THEME_LIGHT: &str = "Light";
pub const THEME_DARK: &str = "Dark";

/// The page for a request that the address doesn't support.
pub mod bad_request_page {
    pub const HEADING: &str = "This link doesn't work";
    pub const EXPLANATION: &str =
        "It didn't come from one of our pages. Start again from the home page.";
}

pub mod field {
    use super::Field;

    /// Returns the label of a field.
    pub const fn label(field: Field) -> &'static str {
        match field {
            Field::Email => "Email address",
            Field::Password => "Password",
            Field::Name => "Name",
            Field::CurrentPassword => "Current password",
            Field::NewPassword => "New password",
            Field::Code => "Code from the email",
        }
    }

    pub const NAME_OPTIONAL: &str = "Name (optional)";
    pub const NAME_HINT: &str = "Shown in your account. You can change it.";
    pub const RENAME_HINT: &str = "Shown in your account. Can be empty.";
    pub const SHOW: &str = "Show";
    pub const HIDE: &str = "Hide";
    pub const SHOW_PASSWORD: &str = "Show password";
    pub const HIDE_PASSWORD: &str = "Hide password";
    pub const CAPS_LOCK: &str = "Caps Lock is on";

    /// Returns the hint for a new password of `length` characters.
    ///
    /// The browser checks only the length. The server also rejects passwords that are easy to
    /// guess, so the hint never says that a password is good.
    pub const fn password_hint(length: usize) -> &'static str {
        match length {
            0..8 => "At least 8 characters, ideally 15.",
            8..15 => "Long enough. 15 or more is safer.",
            _ => "Long enough. Avoid common phrases.",
        }
    }
}

/// The detail of [`countersign_types::Problem::EmailTaken`] as an element; `{}` is the link
/// [`LOG_IN`].
pub const EMAIL_TAKEN: &str = "{} instead, or use another email address.";

/// Returns the name of a role.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::User => "User",
        Role::Admin => "Administrator",
    }
}

/// Returns a date. `month` counts from 0.
pub fn date(year: i64, month: usize, day: i64) -> String {
    format!("{day} {} {year}", MONTHS[month])
}

/// Returns a date with its time.
pub fn date_time(date: &str, time: &str) -> String {
    format!("{date}, {time}")
}

/// Returns a time. `is_zone_unknown`: it is in UTC, not in the time zone of the user.
pub fn time(hour: i64, minute: i64, is_zone_unknown: bool) -> String {
    format!("{hour:02}:{minute:02}{}", if is_zone_unknown { " UTC" } else { "" })
}

pub const TODAY: &str = "Today";
pub const YESTERDAY: &str = "Yesterday";

/// Returns why requests get no response; empty while the server is reachable.
pub const fn connection(connection: Connection) -> &'static str {
    match connection {
        Connection::Online => "",
        Connection::Offline => {
            "You're offline. What you typed is safe; we'll carry on when you're back."
        }
        Connection::ServerUnreachable => {
            "We can't reach the server right now. What you typed is safe; we'll carry on when \
             it's back."
        }
    }
}

/// The pause between two emails.
pub const ANOTHER_EMAIL_IN: &str = "You can ask for another email in {}.";

/// Returns how long ago a session was last used.
pub fn last_active(span: TimeSpan) -> Cow<'static, str> {
    let minutes = span.as_seconds() / 60;
    let (count, one, many) = match minutes {
        // The last use is recorded with a granularity of a minute.
        ..2 => return Cow::Borrowed("Active now"),
        2..60 => (minutes, "minute", "minutes"),
        60..1440 => (minutes / 60, "hour", "hours"),
        _ => (minutes / 1440, "day", "days"),
    };
    Cow::Owned(format!("Active {count} {} ago", if count == 1 { one } else { many }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_active_uses_the_largest_whole_unit() {
        for (seconds, text) in [
            (-5, "Active now"),
            (119, "Active now"),
            (120, "Active 2 minutes ago"),
            (3_599, "Active 59 minutes ago"),
            (3_600, "Active 1 hour ago"),
            (86_399, "Active 23 hours ago"),
            (86_400, "Active 1 day ago"),
            (13 * 86_400, "Active 13 days ago"),
        ] {
            assert_eq!(last_active(TimeSpan::seconds(seconds)), text);
        }
    }

    #[test]
    fn initials_are_those_of_the_first_and_last_word() {
        for (name, expected) in [
            ("Ada Lovelace", "AL"),
            ("Ada King, Countess of Lovelace", "AL"),
            ("ada", "A"),
            ("(Ada) \"Lovelace\"", "AL"),
            ("東京 太郎", "東太"),
            ("ßeta", "SS"),
            ("🦀", "🦀"),
            ("ada@example.com", "A"),
        ] {
            assert_eq!(initials_of(name), expected);
        }
    }

    #[test]
    fn device_without_a_name_is_unknown() {
        assert_eq!(device(Some("Firefox on Linux")), "Firefox on Linux");
        assert_eq!(device(Some("curl")), "curl");
        assert_eq!(device(None), "Unknown device");
    }

    #[test]
    fn password_hint_follows_the_minimum_length() {
        let min = countersign_types::password::MIN_CHARS;
        assert!(field::password_hint(0).contains(&min.to_string()));
        let min = usize::from(min);
        assert_eq!(field::password_hint(min - 1), field::password_hint(0));
        assert_ne!(field::password_hint(min), field::password_hint(0));
    }
}
