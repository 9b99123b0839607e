//! All text that people read on pages, and in the JSON API where it says the same; what only programs are told stands there. Pages have no text of
//! their own: this is where other languages will come in. So sentences are whole: where something is put in that is more than text, `{}` stands for it.
//!
//! Short sentences, second person, the same word for the same thing: sign up, log in, log out; e-mail address, password, name.

use crate::{connection::Connection, problem::Problem};
use contract::{
    Fault, Field, Span,
    view::{DELETION_GRACE, DEVICE_JOINT, EventKind, Role},
};
use std::borrow::Cow;

/// Of all that is here, for those who read it out.
pub const LANGUAGE: &str = "en";

pub const PRODUCT: &str = "Latchkey";
pub const DESCRIPTION: &str = "Sign up with an e-mail address, log in from any browser, and see everything that happens to your account.";

/// Of the window that shows the page with this heading.
pub fn title_of(heading: &str) -> String {
    format!("{heading} · {PRODUCT}")
}

pub const SKIP: &str = "Skip to the content";
pub const FOOTER: &str = "Latchkey looks after accounts.";
pub const LOADING: &str = "Loading…";
pub const TRY_AGAIN: &str = "Try again";
pub const REFERENCE: &str = "Reference: {}";
pub const CANCEL: &str = "Cancel";
pub const UNKNOWN_DEVICE: &str = "Unknown device";

/// What somebody uses. Programs and systems have the same names in all languages; only what joins them has to be said.
pub fn device(named: Option<&str>) -> String {
    let Some(named) = named else { return UNKNOWN_DEVICE.to_owned() };
    named.split_once(DEVICE_JOINT).map_or_else(|| named.to_owned(), |(program, system)| format!("{program} on {system}"))
}

pub const LOG_IN: &str = "Log in";
pub const SIGN_UP: &str = "Sign up";
pub const LOG_OUT: &str = "Log out";
pub const LOGGING_OUT: &str = "Logging out…";
pub const STILL_LOGGED_IN: &str = "You are still logged in.";

/// Of the links in the header, of its menu and of the navigation beside the account pages.
pub const HEADER_NAV: &str = "You";
pub const ACCOUNT_NAV: &str = "Pages of your account";
pub const ACCOUNT: &str = "Account";
pub const LOGGED_IN_AS: &str = "Logged in as {}";

pub const THEME: &str = "Theme";
pub const THEME_SYSTEM: &str = "System";
pub const THEME_LIGHT: &str = "Light";
pub const THEME_DARK: &str = "Dark";

pub mod home {
    pub const HEADING: &str = "One key to your account.";
    pub const LEAD: &str = super::DESCRIPTION;
    /// What is promised, and how it is kept.
    pub const POINTS: [(&str, &str); 3] = [
        ("Ready at once", "Every page and every form works as soon as you see it, even on a slow line."),
        ("Logged out means out", "All your tabs empty at once, and the Back button shows nothing that was yours."),
        ("Nothing happens unseen", "Each log-in, each wrong password and each change is in your list of activity."),
    ];
    pub const YOUR_ACCOUNT: &str = "Your account";
    pub const YOUR_ACTIVITY: &str = "Your activity";

    pub const HELLO: &str = "Hello.";

    /// For somebody who is logged in and has a name.
    pub fn hello(name: &str) -> String {
        format!("Hello, {name}.")
    }

    pub fn logged_in_as(email: &str) -> String {
        format!("You are logged in as {email}.")
    }
}

pub mod log_in {
    pub const WORKING: &str = "Logging in…";
    pub const NEW_HERE: &str = "New here? {}";
    pub const BYE: &str = "You are logged out.";
    pub const KEEP: &str = "Keep me logged in";
    pub const ELSEWHERE: &str = "You logged out in another tab, so you are logged out here too.";
    pub const ENDED: &str = "Your session has ended. Log in to go on where you were.";
}

pub mod sign_up {
    pub const SUBMIT: &str = "Create account";
    pub const WORKING: &str = "Creating account…";
    pub const ALREADY: &str = "Already have an account? {}";
}

pub mod profile {
    pub const HEADING: &str = "Profile";
    pub const SINCE: &str = "Member since";
    pub const SAVE: &str = "Save name";
    pub const SAVING: &str = "Saving…";
    pub const SAVED: &str = "Your name is saved.";
    pub const LOG_OUT_MEANS: &str = "Ends this session, in every tab of this browser.";
}

pub mod password {
    pub const HEADING: &str = "Password";
    pub const LEAD: &str = "A new password logs out all your other devices.";
    pub const SAVE: &str = "Change password";
    pub const SAVING: &str = "Changing…";
    pub const SAVED: &str = "Your password is changed, and all other devices are logged out.";
}

pub mod sessions {
    pub const HEADING: &str = "Sessions";
    pub const LEAD: &str = "Where you are logged in. If you do not know one of these, log it out and change your password.";
    pub const THIS: &str = "This device";
    pub const SINCE: &str = "since {}";
    pub const END_OTHERS: &str = "Log out all other devices";
    pub const END_OTHERS_TITLE: &str = "Log out all other devices?";
    pub const END_OTHERS_MEANS: &str = "Whoever uses one of them needs your password to get in again. This device stays logged in.";
    pub const ENDED: &str = "That device is logged out.";
    pub const OTHERS_ENDED: &str = "All your other devices are logged out.";
    pub const ALONE: &str = "You are logged in on no other device.";
}

/// For somebody whose session was ended because its key was used twice.
pub mod stolen {
    pub const TITLE: &str = "One of your sessions was ended for safety";
    pub const WHY: &str = "Its key was used by two devices, so somebody else may have it. If you do not know why, {}.";
    pub const CURE: &str = "change your password";
}

pub mod activity {
    pub const HEADING: &str = "Activity";
    pub const LEAD: &str = "What happened to your account, newest first.";
    pub const EMPTY: &str = "Nothing has happened here yet.";
    pub const NO_MORE: &str = "There is nothing older.";
    pub const OLDER: &str = "Show older";
    pub const NEWEST: &str = "Show newest";
}

/// Of the page about everything that is stored, and of the document with it.
pub mod data {
    pub const HEADING: &str = "Your data";
    pub const TAKE: &str = "Download everything";
    pub const TAKE_MEANS: &str = "Everything that is stored about you: your account, your sessions and your activity. Only your password is not in it.";
    pub const AS_PAGE: &str = "Download as a page";
    pub const AS_JSON: &str = "Download as JSON";
    pub const DELETE: &str = "Delete account";
    pub const DELETING: &str = "Deleting…";
    pub const KEPT: &str = "Your account stays.";

    /// What happens when, before somebody asks for it.
    pub fn delete_means() -> String {
        format!(
            "All your other devices are logged out at once. {} days later the account is deleted, with everything that is stored about you. Until then you \
             can log in and keep it.",
            super::DELETION_GRACE.as_seconds() / 86_400
        )
    }

    pub const DOCUMENT: &str = "Everything that Latchkey stores about you";
    pub const AS_OF: &str = "As of {}.";
    pub const NOT_THE_PASSWORD: &str = "Your password is stored too, in a form that nobody can read.";
    pub const NONE: &str = "–";
    pub const ID: &str = "Account ID";
    pub const ROLES: &str = "Roles";
    pub const LAST_LOG_IN: &str = "Last log-in";
    pub const DELETED_ON: &str = "To be deleted on";
    pub const SESSION_COLUMNS: [&str; 5] = ["Device", "Address", "Since", "Last used", "Ended or ends"];
    pub const EVENT_COLUMNS: [&str; 4] = ["When", "What", "Device", "Address"];
    pub const MORE_EVENTS: &str = "There is more. What is older is on the page of your activity.";
}

/// For somebody whose account is to be deleted.
pub mod leaving {
    pub const ON: &str = "Your account will be deleted on {}.";
    pub const WAY_BACK: &str = "Keep it if you want it after all. If it was not you who asked, change your password, too.";
    pub const KEEP: &str = "Keep my account";
    /// In the place of the form that asked for it.
    pub const ABOVE: &str = "Your account is on its way out. The button above keeps it.";
}

/// Only in builds for development.
pub mod lab {
    pub const HEADING: &str = "Laboratory";
    pub const FIVE_CALLS: &str = "Call five times";
}

pub mod not_found {
    pub const HEADING: &str = "Page not found";
    pub const WHY: &str = "There is nothing at this address. The page may have moved, or the link may be incomplete.";
    pub const HOME: &str = "Go to the home page";
}

/// For somebody whose browser has asked for something that cannot be done at this address.
pub mod not_here {
    pub const HEADING: &str = "That is not possible here";
    pub const WHY: &str = "The form or the link that led here is not one of ours. Go to the home page and try again from there.";
}

pub mod field {
    use super::Field;

    /// The label of a field.
    pub const fn label(field: Field) -> &'static str {
        match field {
            Field::Email => "E-mail address",
            Field::Password => "Password",
            Field::Name => "Name",
            Field::Current => "Current password",
            Field::New => "New password",
        }
    }

    pub const NAME_OPTIONAL: &str = "Name (optional)";
    pub const NAME_HINT: &str = "What we call you. You can change it later.";
    pub const RENAME_HINT: &str = "What we call you. It may be empty.";
    pub const SHOW: &str = "Show";
    pub const HIDE: &str = "Hide";
    pub const SHOW_PASSWORD: &str = "Show password";
    pub const HIDE_PASSWORD: &str = "Hide password";
    pub const CAPS_LOCK: &str = "Caps Lock is on";

    /// What is true of a new password of so many characters. Length is all that is judged, so length is all that is spoken of.
    pub const fn password_hint(length: usize) -> &'static str {
        match length {
            0..8 => "At least 8 characters. 15 or more are better.",
            8..15 => "Long enough. 15 or more are better.",
            _ => "A good length.",
        }
    }
}

/// What somebody can do about a fault of a field.
pub fn fault(field: Field, fault: Fault) -> Cow<'static, str> {
    Cow::Borrowed(match (field, fault) {
        (Field::Email, Fault::Missing) => "Enter your e-mail address.",
        (Field::Password, Fault::Missing) => "Enter your password.",
        (Field::Current, Fault::Missing) => "Enter your current password.",
        (Field::New, Fault::Missing) => "Enter a new password.",
        (Field::Name, Fault::Missing) => "Enter a name.",
        (Field::Email, Fault::Malformed) => "Enter an address like name@example.com.",
        (_, Fault::Malformed) => "Enter this in another way.",
        (Field::Email, Fault::TooLong { max }) => return format!("Use at most {max} characters.").into(),
        // Bytes, in truth; plain letters are one each.
        (_, Fault::TooLong { max }) => return format!("Use at most {max} plain letters.").into(),
        (_, Fault::TooShort { min }) => return format!("Use at least {min} characters.").into(),
        (_, Fault::Unprintable) => "Take out the invisible characters.",
        (_, Fault::LikeEmail) => "Do not use your e-mail address.",
        (_, Fault::Guessable) => "Too easy to guess. Use another.",
        (_, Fault::Wrong) => "That is not your current password.",
    })
}

/// What the matter is, in a few words.
pub const fn title(problem: &Problem) -> &'static str {
    match problem {
        Problem::Invalid(faults) if faults.0.len() == 1 => "One field needs another look",
        Problem::Invalid(_) => "Some fields need another look",
        Problem::Credentials => "That did not match",
        Problem::EmailTaken => "This address has an account already",
        Problem::LinkOver => "This link no longer works",
        Problem::SignedOut => "Log in first",
        Problem::Stale => "Renewed a moment ago",
        Problem::SomeoneElse => "You are logged in as someone else now",
        Problem::BadRequest => "That could not be read",
        Problem::NotAllowed => "That is not allowed from here",
        Problem::Forbidden => "That is for administrators",
        Problem::LastAdmin => "An administrator has to stay",
        Problem::NotFound => "That is not there any more",
        Problem::TooLarge => "That was too much at once",
        Problem::TooMany { .. } => "Too many attempts",
        Problem::Busy { .. } => "A lot is going on right now",
        Problem::Unavailable => "Not available right now",
        Problem::Offline => "No answer",
        Problem::Internal { .. } => "Something went wrong on our side",
    }
}

/// What is the matter, in one paragraph.
pub fn in_short(of: &Problem) -> String {
    format!("{}. {}", title(of), problem(of))
}

/// What it means and what to do.
pub fn problem(problem: &Problem) -> Cow<'static, str> {
    Cow::Borrowed(match problem {
        Problem::Invalid(faults) if faults.0.len() == 1 => "It says what to do.",
        Problem::Invalid(_) => "Each of them says what to do.",
        Problem::Credentials => "There is no account with this address and password. Check both and try again.",
        Problem::EmailTaken => "Log in instead, or use another address.",
        Problem::LinkOver => "A link like this works once and for a short time. Ask for a new one.",
        Problem::SignedOut => "You need to be logged in for this.",
        Problem::Stale => "Your session was renewed in another tab. Try again.",
        Problem::SomeoneElse => "Nothing was changed. Load the page again to go on.",
        Problem::BadRequest => "The request or the link is incomplete. Go back and try again.",
        Problem::NotAllowed => "Open this page directly and try again.",
        Problem::Forbidden => "Ask somebody who looks after accounts here.",
        Problem::LastAdmin => "This is the last administrator. Make somebody else one first.",
        Problem::NotFound => "It may have ended or been removed meanwhile.",
        Problem::TooLarge => "Shorten what you entered and try again.",
        // Whether the password was right is not said, and was not looked at.
        Problem::TooMany { retry_after } => return format!("Nothing was tried this time. Try again in {}.", time(*retry_after)).into(),
        Problem::Busy { retry_after } => return format!("Nothing was changed. Try again in {}.", time(*retry_after)).into(),
        Problem::Unavailable => "Your account is safe. Try again in a moment.",
        Problem::Offline => "The server could not be reached. Nothing is lost: try again in a moment.",
        Problem::Internal { .. } => "It is not your fault. Try again in a moment.",
    })
}

/// So many seconds, not exactly but never too few.
fn time(seconds: u32) -> String {
    match seconds {
        0..2 => "a second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60 => "a minute".to_owned(),
        61..=3600 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

/// What somebody may act as.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::User => "Member",
        Role::Admin => "Administrator",
    }
}

/// What happened.
pub const fn event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SignedUp => "Signed up",
        EventKind::LoggedIn => "Logged in",
        EventKind::LogInFailed => "Wrong password",
        EventKind::LoggedOut => "Logged out",
        EventKind::SessionReplaced => "Session replaced by a new log-in",
        EventKind::TokenReused => "Session ended for safety: its key was used twice",
        EventKind::TokenNotIssued => "A log-in was tried with a key that is not from here",
        EventKind::NameChanged => "Name changed",
        EventKind::SessionEnded => "Logged out a device",
        EventKind::OthersLoggedOut => "Logged out all other devices",
        EventKind::AllLoggedOut => "Logged out everywhere",
        EventKind::SessionCrowdedOut => "Longest unused session ended to make room",
        EventKind::PasswordChanged => "Password changed, all other devices logged out",
        EventKind::Disabled => "Account disabled by an administrator",
        EventKind::Enabled => "Account enabled again by an administrator",
        EventKind::RoleChanged => "Role changed by an administrator",
        EventKind::PasswordChangeFailed => "Wrong password when changing it",
        EventKind::DeletionAsked => "Asked for the account to be deleted",
        EventKind::DeletionRefused => "Wrong password when deleting the account",
        EventKind::DeletionCancelled => "Kept the account that was to be deleted",
        EventKind::Deleted => "Account deleted",
    }
}

const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// A day of the calendar; months are counted from 0.
pub fn date(year: i64, month: usize, day: i64) -> String {
    format!("{day} {} {year}", MONTHS[month])
}

/// A minute of a day, by the clock that everybody shares.
pub fn moment(date: &str, hour: i64, minute: i64) -> String {
    format!("{date}, {hour:02}:{minute:02} UTC")
}

/// Why nothing happens.
pub const fn connection(connection: Connection) -> &'static str {
    match connection {
        Connection::Fine => "",
        Connection::Offline => "You are offline. What you have typed stays here, and this page goes on by itself when you are back.",
        Connection::Away => "The server cannot answer right now. What you have typed stays here, and this page goes on by itself.",
    }
}

/// How long ago something was last in use.
pub fn ago(span: Span) -> Cow<'static, str> {
    let minutes = span.as_seconds() / 60;
    let (count, one, many) = match minutes {
        // That is as exactly as it is known.
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
    fn how_long_ago_is_said_as_people_say_it() {
        for (seconds, words) in [
            (-5, "Active now"),
            (119, "Active now"),
            (120, "Active 2 minutes ago"),
            (3_599, "Active 59 minutes ago"),
            (3_600, "Active 1 hour ago"),
            (86_399, "Active 23 hours ago"),
            (86_400, "Active 1 day ago"),
            (13 * 86_400, "Active 13 days ago"),
        ] {
            assert_eq!(ago(Span::seconds(seconds)), words);
        }
    }

    #[test]
    fn a_fault_fits_into_one_line_of_a_narrow_window() {
        let (max, min) = (1024, 8);
        let faults = [
            Fault::Missing,
            Fault::Malformed,
            Fault::TooShort { min },
            Fault::TooLong { max },
            Fault::Unprintable,
            Fault::LikeEmail,
            Fault::Guessable,
            Fault::Wrong,
        ];
        for (field, fault) in Field::ALL.into_iter().flat_map(|field| faults.map(|fault| (field, fault))) {
            let words = super::fault(field, fault);
            assert!(words.chars().count() <= 40, "{words}");
        }
    }

    #[test]
    fn devices_are_named_as_in_a_sentence() {
        assert_eq!(device(Some("Firefox on Linux")), "Firefox on Linux");
        assert_eq!(device(Some("curl")), "curl");
        assert_eq!(device(None), "Unknown device");
    }

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (seconds, words) in [
            (0, "a second"),
            (1, "a second"),
            (2, "2 seconds"),
            (59, "59 seconds"),
            (60, "a minute"),
            (61, "2 minutes"),
            (3600, "60 minutes"),
            (3601, "2 hours"),
        ] {
            assert_eq!(time(seconds), words);
        }
    }

    #[test]
    fn the_time_for_thinking_better_of_it_is_a_number_of_days() {
        assert!(data::delete_means().contains("14 days later"));
    }

    #[test]
    fn the_hint_speaks_of_the_length_that_the_rule_has() {
        assert!(field::password_hint(0).contains(&contract::password::MIN.to_string()));
        assert_eq!(field::password_hint(usize::from(contract::password::MIN) - 1), field::password_hint(0));
        assert_ne!(field::password_hint(usize::from(contract::password::MIN)), field::password_hint(0));
    }

    #[test]
    fn nothing_is_shouted() {
        let faults = [
            Fault::Missing,
            Fault::Malformed,
            Fault::TooShort { min: 8 },
            Fault::TooLong { max: 9 },
            Fault::Unprintable,
            Fault::LikeEmail,
            Fault::Guessable,
            Fault::Wrong,
        ];
        for field in Field::ALL {
            for kind in faults {
                let words = fault(field, kind);
                assert!(words.ends_with('.') && !words.contains('!'), "{words}");
            }
        }
    }
}
