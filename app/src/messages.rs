//! All texts that users read on pages, except those that are declared with their meaning: the texts
//! of problems, field errors and audit events are in [`countersign_types::problem`],
//! [`countersign_types::field_error`] and [`countersign_types::event_kind`]. Pages contain no text
//! of their own, so these modules are the ones to translate. Sentences are complete: a word in
//! braces is a placeholder for a value, or for an element such as a link.
//!
//! Style: short sentences, second person, contractions, one term for one thing (sign up, log in,
//! log out; email address, password, name).

use crate::browser::connection::Connection;
#[cfg(feature = "ssr")]
use countersign_types::message::MessageGroup;
use countersign_types::{
    Field, Message, PasswordWeakness, TimeSpan, message, messages,
    time::MONTHS,
    views::{Account, DEVICE_NAME_SEPARATOR, Role},
};
#[cfg(feature = "ssr")]
use leptos::attr::custom::custom_attribute;
use std::iter;

/// The name of this product, which is not a message: the operator sets another one with
/// `COUNTERSIGN_BRAND_NAME`.
pub const PRODUCT: &str = "Countersign";

messages! {
    /// The language tag of all messages (BCP 47), for screen readers.
    LANGUAGE = "en";
    DESCRIPTION = "One place to log in, see your devices and stay in control.";
    DEMO = "This is a demonstration. Its data is deleted when the server stops.";
    DEMO_LABEL = "About this server";
    SKIP = "Skip to content";
    WINDOW_TITLE = "{heading} · {product}";
    FOOTER = "Powered by Countersign";
    FOOTER_NAV = "Legal and help";
    TERMS = "Terms";
    PRIVACY = "Privacy";
    SUPPORT = "Help";
    TRY_AGAIN = "Try again";
    REFERENCE = "Reference: {id}";
    /// The button of a form that is sent as soon as there is a network.
    WAITING_FOR_NETWORK = "Waiting for the network…";
    RETRY_IN = "Trying again automatically in {seconds} s.";
    CANCEL = "Cancel";
    LOGGED_IN_AS = "You're logged in as {email}.";
    DEVICE = "{program} on {system}";
    UNKNOWN_DEVICE = "Unknown device";
    LOG_IN = "Log in";
    SIGN_UP = "Sign up";
    LOG_OUT = "Log out";
    LOGGING_OUT = "Logging out…";
    STILL_LOGGED_IN = "You're still logged in.";
    LOG_OUT_IS_RETRIED = "Keep this page open: we'll keep trying for a minute.";
    /// Labels of the navigation in the site header and beside the account pages.
    HEADER_NAV = "Account";
    ACCOUNT_NAV = "Account pages";
    ACCOUNT = "Account";
    SECURITY_PAGES = "Security";
    YOUR_ACCOUNT_PAGES = "Your account";
    THEME = "Theme";
    THEME_SYSTEM = "System";
    THEME_LIGHT = "Light";
    THEME_DARK = "Dark";
    /// The detail of [`countersign_types::Problem::EmailTaken`] as an element; the placeholder is
    /// the link [`LOG_IN`].
    EMAIL_TAKEN = "{log_in} instead, or use another email address.";
    /// The pause between two emails. `{time}` counts down: "0:29".
    ANOTHER_EMAIL_IN = "You can ask for another email in {time}.";
    USER = "User";
    ADMINISTRATOR = "Administrator";
    DATE = "{day} {month} {year}";
    DATE_TIME = "{date}, {time}";
    /// A time in the time zone of the user.
    TIME = "{hour}:{minute}";
    /// A time if the time zone of the user is unknown.
    TIME_IN_UTC = "{hour}:{minute} UTC";
    TODAY = "Today";
    YESTERDAY = "Yesterday";
    ACTIVE_NOW = "Active now";
    ACTIVE_MINUTES_AGO = "Active {count} minutes ago";
    ACTIVE_HOUR_AGO = "Active {count} hour ago";
    ACTIVE_HOURS_AGO = "Active {count} hours ago";
    ACTIVE_DAY_AGO = "Active {count} day ago";
    ACTIVE_DAYS_AGO = "Active {count} days ago";
    OFFLINE = "You're offline. What you typed is safe; we'll carry on when you're back.";
    SERVER_UNREACHABLE = "We can't reach the server right now. What you typed is safe; we'll carry \
        on when it's back.";
}

/// The messages that no feature has for itself.
#[cfg(feature = "ssr")]
pub const SHARED: &[MessageGroup] = {
    use crate::layout::messages as layout;
    &[
        MESSAGES,
        field::MESSAGES,
        bad_request_page::MESSAGES,
        layout::reuse_notice::MESSAGES,
        layout::verification_notice::MESSAGES,
        layout::deletion_notice::MESSAGES,
    ]
};

/// The attribute of the root element with the replaced messages, in alternating lines: an English
/// text, and then its replacement. Messages contain no line breaks.
const REPLACEMENTS_ATTRIBUTE: &str = "data-messages";

/// (server) Returns the attribute with the replaced messages, which islands need as well.
#[cfg(feature = "ssr")]
pub(crate) fn replacements_attribute() -> impl leptos::attr::Attribute {
    let lines = message::replacements().iter().flat_map(|(english, text)| [*english, *text]);
    let lines = lines.collect::<Vec<_>>().join("\n");
    custom_attribute(REPLACEMENTS_ATTRIBUTE, (!lines.is_empty()).then_some(lines))
}

/// (browser) Reads the replaced messages of the page, once, before any is read.
pub(crate) fn read_replacements() {
    let Some(lines) = crate::browser::root_attribute(REPLACEMENTS_ATTRIBUTE) else { return };
    let mut lines = lines.leak().split('\n');
    message::replace(iter::from_fn(|| Some((lines.next()?, lines.next()?))).collect());
}

/// Returns the window title of the page with this heading. `product` is the name of the product.
pub fn window_title(heading: &str, product: &str) -> String {
    WINDOW_TITLE.with(&[("heading", heading), ("product", product)])
}

/// Returns the name of this product with its version.
pub fn version(version: &str) -> String {
    format!("{PRODUCT} {version}")
}

/// Returns when a refused form is sent again automatically.
pub fn retry_in(seconds: u32) -> String {
    RETRY_IN.with(&[("seconds", &seconds.to_string())])
}

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
    let Some(name) = name else { return UNKNOWN_DEVICE.text().to_owned() };
    name.split_once(DEVICE_NAME_SEPARATOR).map_or_else(
        || name.to_owned(),
        |(program, system)| DEVICE.with(&[("program", program), ("system", system)]),
    )
}

/// The page for a request that the address doesn't support.
pub mod bad_request_page {
    use countersign_types::messages;

    messages! {
        HEADING = "This link doesn't work";
        EXPLANATION = "It didn't come from one of our pages. Start again from the home page.";
    }
}

pub mod field {
    use super::{Field, Message, PasswordWeakness, messages};

    messages! {
        EMAIL = "Email address";
        PASSWORD = "Password";
        NAME = "Name";
        CURRENT_PASSWORD = "Current password";
        NEW_PASSWORD = "New password";
        CODE = "Code from the email";
        NAME_OPTIONAL = "Name (optional)";
        NAME_HINT = "Shown in your account. You can change it.";
        RENAME_HINT = "Shown in your account. Can be empty.";
        SHOW = "Show";
        HIDE = "Hide";
        SHOW_PASSWORD = "Show password";
        HIDE_PASSWORD = "Hide password";
        CAPS_LOCK = "Caps Lock is on";
        PASSWORD_HINT = "At least 8 characters, ideally 15.";
        LONG_ENOUGH = "Long enough. 15 or more is safer.";
        AVOID_PHRASES = "Long enough. Avoid common phrases.";
    }

    /// Returns the label of a field.
    pub const fn label(field: Field) -> Message {
        match field {
            Field::Email => EMAIL,
            Field::Password => PASSWORD,
            Field::Name => NAME,
            Field::CurrentPassword => CURRENT_PASSWORD,
            Field::NewPassword => NEW_PASSWORD,
            Field::Code => CODE,
        }
    }

    /// Returns the hint for a new password of `length` characters that follows this pattern.
    ///
    /// The server also rejects common passwords, so the hint never says that a password is good.
    pub fn password_hint(
        length: usize,
        pattern: impl FnOnce() -> Option<PasswordWeakness>,
    ) -> Message {
        if length < 8 {
            return PASSWORD_HINT;
        }
        match pattern() {
            Some(weakness) => weakness.message(),
            None if length < 15 => LONG_ENOUGH,
            None => AVOID_PHRASES,
        }
    }
}

/// Returns the name of a role.
pub const fn role(role: Role) -> Message {
    match role {
        Role::User => USER,
        Role::Admin => ADMINISTRATOR,
    }
}

/// Returns a date. `month` counts from 0.
pub fn date(year: i64, month: usize, day: i64) -> String {
    let (year, day) = (year.to_string(), day.to_string());
    DATE.with(&[("day", &day), ("month", MONTHS[month].text()), ("year", &year)])
}

/// Returns a date with its time.
pub fn date_time(date: &str, time: &str) -> String {
    DATE_TIME.with(&[("date", date), ("time", time)])
}

/// Returns a time. `is_zone_unknown`: it is in UTC, not in the time zone of the user.
pub fn time(hour: i64, minute: i64, is_zone_unknown: bool) -> String {
    let text = if is_zone_unknown { TIME_IN_UTC } else { TIME };
    text.with(&[("hour", &format!("{hour:02}")), ("minute", &format!("{minute:02}"))])
}

/// Returns why requests get no response; empty while the server is reachable.
pub fn connection(connection: Connection) -> &'static str {
    match connection {
        Connection::Online => "",
        Connection::Offline => OFFLINE.text(),
        Connection::ServerUnreachable => SERVER_UNREACHABLE.text(),
    }
}

/// Returns how long ago a session was last used.
pub fn last_active(span: TimeSpan) -> String {
    let minutes = span.as_seconds() / 60;
    let (count, message) = match minutes {
        // The last use is recorded with a granularity of a minute.
        ..2 => return ACTIVE_NOW.text().to_owned(),
        2..60 => (minutes, ACTIVE_MINUTES_AGO),
        60..120 => (1, ACTIVE_HOUR_AGO),
        120..1440 => (minutes / 60, ACTIVE_HOURS_AGO),
        1440..2880 => (1, ACTIVE_DAY_AGO),
        _ => (minutes / 1440, ACTIVE_DAYS_AGO),
    };
    message.with(&[("count", &count.to_string())])
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
        let hint = |length| field::password_hint(length, || None);
        assert!(hint(0).english().contains(&min.to_string()));
        let min = usize::from(min);
        assert_eq!(hint(min - 1), hint(0));
        assert_ne!(hint(min), hint(0));
    }

    #[test]
    fn password_hint_is_the_reason_why_the_server_refuses_a_pattern() {
        let weakness = PasswordWeakness::Keyboard;
        assert_eq!(field::password_hint(8, || Some(weakness)), weakness.message());
    }
}
