//! All words of the mails, and the table that assigns them: one row per [`MailContent`]. Layout and
//! escaping are in `rendering` and its templates.
//!
//! Style: as on the pages. Paragraphs never name a button, because the text part has none.

use super::content::MailContent;
use countersign_types::{MONTHS, TimeSpan, Timestamp, UtcDateTime};

/// The action that a mail offers.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// Type the one-time code, or open the one-time link with this label.
    Code(&'static str),
    /// Open the one-time link with this label.
    Link(&'static str),
    /// Open a page of the site: label and path.
    Page(&'static str, &'static str),
    /// Nothing.
    None,
}

/// The words of one mail.
pub(super) struct Words {
    /// The subject, except for [`Action::Code`]: see [`code_subject`].
    pub(super) subject: String,
    pub(super) heading: &'static str,
    /// The first paragraph, which is also the preview in lists of mails.
    pub(super) lead: String,
    /// The paragraph before the action. May be empty.
    pub(super) advice: &'static str,
    pub(super) action: Action,
    /// Label and path of another page that helps.
    pub(super) see_also: Option<(&'static str, &'static str)>,
    /// The reason for the mail, shown in the footer.
    pub(super) reason: String,
}

pub(super) const LANGUAGE: &str = "en";
/// The first paragraph of a mail whose code was in an earlier attempt to send it.
pub(super) const LEAD_WITHOUT_CODE: &str = "Open the link below to continue.";
pub(super) const LINK_FALLBACK: &str = "Or copy this link into your browser:";
pub(super) const SENT_BY: &str = "Sent by";

/// Returns the words of a mail to `recipient`.
pub(super) fn words(content: &MailContent, product: &str, recipient: &str) -> Words {
    match content {
        MailContent::SignUp => code(
            "Finish signing up",
            "Enter this code on the page where you signed up, or open the link below.",
            "Confirm email address",
            &format!("someone signed up for {product} with {recipient}"),
        ),
        MailContent::AccountExists => Words {
            lead: "Someone tried to sign up with this address, but it already has an account."
                .into(),
            advice: "If it was you, log in instead.",
            action: Action::Page("Log in", "/login"),
            see_also: Some(("Forgot your password? Reset it:", "/forgot")),
            reason: not_you(&format!("someone tried to sign up for {product} with {recipient}")),
            ..information("You already have an account")
        },
        MailContent::VerifyEmail => code(
            "Confirm your email address",
            "Enter this code on the page that asked for it, or open the link below.",
            "Confirm email address",
            &format!("someone added {recipient} to an account at {product}"),
        ),
        MailContent::Invitation => Words {
            subject: format!("You're invited to {product}"),
            lead: format!("An administrator of {product} invited you to create an account."),
            advice: "Your account will use this email address. If you didn't expect an \
                     invitation, ignore this email.",
            action: Action::Link("Create account"),
            reason: because(&format!("an administrator of {product} invited {recipient}")),
            ..information("You're invited")
        },
        MailContent::ResetPassword => code(
            "Reset your password",
            "Enter this code on the page where you asked for it, or open the link below.",
            "Choose a new password",
            &format!("someone asked to reset the password of {recipient} at {product}"),
        ),
        MailContent::ChangeEmail => code(
            "Confirm your new email address",
            "Enter this code in your account, or open the link below. Until then, your account \
             keeps its current address.",
            "Confirm email address",
            &format!("someone asked to use {recipient} for their account at {product}"),
        ),
        MailContent::NewDevice(origin) => Words {
            subject: match &origin.device {
                Some(device) => format!("New log-in from {device}"),
                None => "New log-in to your account".into(),
            },
            lead: "Someone logged in to your account from a new device.".into(),
            advice: "If this was you, there's nothing to do. If not, log that device out and \
                     choose a new password.",
            ..notice("New log-in to your account", product)
        },
        MailContent::PasswordChanged(_) => Words {
            lead: "The password of your account was changed. All other devices were logged out."
                .into(),
            ..notice("Your password was changed", product)
        },
        MailContent::PasswordReset(_) => Words {
            lead: "A new password was chosen with a link or code from an email. All devices were \
                   logged out."
                .into(),
            ..notice("Your password was reset", product)
        },
        MailContent::EmailChanged { .. } => Words {
            lead: "Your account has a new email address. Use it to log in from now on.".into(),
            advice: "If this wasn't you, take your account back. We'll log out all devices, and \
                     you choose a new password.",
            action: Action::Link("Take it back"),
            ..notice("Your email address was changed", product)
        },
        MailContent::ReuseDetected(_) => Words {
            lead:
                "To be safe, we logged out a device whose session was used in two places. Someone \
                   may have copied it."
                    .into(),
            advice: "If you restored a backup or copied a browser profile, just log in again. If \
                     not, secure your account now.",
            ..notice("We logged out one of your devices", product)
        },
        MailContent::DeletionRequested { delete_at, .. } => Words {
            subject: format!("Your account will be deleted on {}", day_and_month(*delete_at)),
            lead: format!(
                "On {}, your account and everything we store about you will be deleted for good. \
                 Until then you can log in and keep your account.",
                date_time(*delete_at)
            ),
            advice: "If you didn't ask for this, secure your account now.",
            see_also: Some(("Changed your mind? Log in and keep your account:", "/login")),
            ..notice("Your account will be deleted", product)
        },
        MailContent::DeletionCancelled(_) => Words {
            lead: "The deletion of your account was cancelled. Nothing will be deleted.".into(),
            ..notice("Your account won't be deleted", product)
        },
        MailContent::Test => Words {
            lead: format!("Email works. {product} can send email to this address."),
            reason: because(&format!("an administrator of {product} sent a test to {recipient}")),
            ..information("Email works")
        },
    }
}

/// Returns a mail with a one-time code and link. `event` is the reason for it.
fn code(heading: &'static str, lead: &str, label: &'static str, event: &str) -> Words {
    Words {
        lead: lead.into(),
        action: Action::Code(label),
        reason: not_you(event),
        ..information(heading)
    }
}

/// Returns a notice without its first paragraph.
fn notice(heading: &'static str, product: &str) -> Words {
    Words {
        advice: "If this was you, there's nothing to do. If not, secure your account now.",
        action: Action::Link("This wasn't me"),
        reason: because(&format!("{product} tells you about important changes to your account")),
        ..information(heading)
    }
}

/// Returns a mail with a heading only.
fn information(heading: &'static str) -> Words {
    Words {
        subject: heading.into(),
        heading,
        lead: String::new(),
        advice: "",
        action: Action::None,
        see_also: None,
        reason: String::new(),
    }
}

fn because(event: &str) -> String {
    format!("You get this because {event}.")
}

fn not_you(event: &str) -> String {
    format!("You get this because {event}. If this wasn't you, ignore this email.")
}

/// Returns the subject of a mail with a code. The code comes first, to be visible on lock screens.
pub(super) fn code_subject(code: &str, heading: &str) -> String {
    format!("Your code is {code} – {}", heading.to_lowercase())
}

/// Returns how long the one-time link works, and the code if there is one.
pub(super) fn validity(code_ttl: Option<TimeSpan>, link_ttl: TimeSpan) -> String {
    let link = duration(link_ttl);
    match code_ttl.map(duration) {
        None => format!("The link works once, for {link}."),
        Some(code) => {
            format!("The code works for {code}, the link for {link}. Don't share them with anyone.")
        }
    }
}

/// Returns the facts of a notice, each with its label.
pub(super) fn facts(content: &MailContent) -> Vec<(&'static str, String)> {
    let Some(origin) = content.origin() else { return Vec::new() };
    let new_email = match content {
        MailContent::EmailChanged { new_email, .. } => Some(new_email.clone()),
        _ => None,
    };
    [
        ("New email", new_email),
        ("Device", origin.device.clone()),
        ("IP address", origin.address.clone()),
        ("Time", Some(date_time(origin.at))),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

/// Returns a duration in the largest unit that divides it.
fn duration(span: TimeSpan) -> String {
    let minutes = span.as_seconds() / 60;
    let (count, one, many) = match minutes {
        1441.. if minutes % 1440 == 0 => (minutes / 1440, "day", "days"),
        60.. if minutes % 60 == 0 => (minutes / 60, "hour", "hours"),
        _ => (minutes, "minute", "minutes"),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

fn date_time(at: Timestamp) -> String {
    let UtcDateTime { year, hour, minute, .. } = at.into();
    format!("{} {year}, {hour:02}:{minute:02} UTC", day_and_month(at))
}

fn day_and_month(at: Timestamp) -> String {
    let UtcDateTime { month, day, .. } = at.into();
    format!("{day} {}", MONTHS[month])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_shown_as_date_and_time() {
        let at = Timestamp(1_795_713_179_999);
        assert_eq!(date_time(at), "26 November 2026, 17:12 UTC");
        assert_eq!(day_and_month(at), "26 November");
    }

    #[test]
    fn duration_uses_the_largest_exact_unit() {
        for (minutes, text) in [
            (0, "0 minutes"),
            (1, "1 minute"),
            (30, "30 minutes"),
            (60, "1 hour"),
            (90, "90 minutes"),
            (1_440, "24 hours"),
            (10_080, "7 days"),
        ] {
            assert_eq!(duration(TimeSpan::minutes(minutes)), text);
        }
    }
}
