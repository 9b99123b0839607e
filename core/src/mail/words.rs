//! All words of the mails, and the table that assigns them: one row per [`MailContent`]. Layout and
//! escaping are in `rendering` and its templates.
//!
//! Style: as on the pages. Paragraphs never name a button, because the text part has none.

use super::content::MailContent;
use countersign_types::{Message, TimeSpan, Timestamp, UtcDateTime, messages, time::MONTHS};

messages! {
    /// The language tag (BCP 47) of all mails.
    LANGUAGE = "en";
    /// The first paragraph of a mail whose code was in an earlier attempt to send it.
    LEAD_WITHOUT_CODE = "Open the link below to continue.";
    LINK_FALLBACK = "Or copy this link into your browser:";
    SENT_BY = "Sent by";
    /// The subject of a mail with a code. The code comes first, to be visible on lock screens.
    CODE_SUBJECT = "Your code is {code} – {heading}";
    LINK_VALIDITY = "The link works once, for {link_time}.";
    CODE_VALIDITY = "The code works for {code_time}, the link for {link_time}. Don't share them \
        with anyone.";
    CONFIRM_EMAIL = "Confirm email address";

    FINISH_SIGN_UP = "Finish signing up";
    FINISH_SIGN_UP_LEAD = "Enter this code on the page where you signed up, or open the link \
        below.";
    FINISH_SIGN_UP_REASON = "You get this because someone signed up for {product} with {email}. If \
        this wasn't you, ignore this email.";

    ACCOUNT_EXISTS = "You already have an account";
    ACCOUNT_EXISTS_LEAD = "Someone tried to sign up with this address, but it already has an \
        account.";
    ACCOUNT_EXISTS_ADVICE = "If it was you, log in instead.";
    LOG_IN = "Log in";
    RESET_IT = "Forgot your password? Reset it:";
    ACCOUNT_EXISTS_REASON = "You get this because someone tried to sign up for {product} with \
        {email}. If this wasn't you, ignore this email.";

    VERIFY_EMAIL = "Confirm your email address";
    VERIFY_EMAIL_LEAD = "Enter this code on the page that asked for it, or open the link below.";
    VERIFY_EMAIL_REASON = "You get this because someone added {email} to an account at {product}. \
        If this wasn't you, ignore this email.";

    INVITATION = "You're invited";
    INVITATION_SUBJECT = "You're invited to {product}";
    INVITATION_LEAD = "An administrator of {product} invited you to create an account.";
    INVITATION_ADVICE = "Your account will use this email address. If you didn't expect an \
        invitation, ignore this email.";
    CREATE_ACCOUNT = "Create account";
    INVITATION_REASON = "You get this because an administrator of {product} invited {email}.";

    RESET_PASSWORD = "Reset your password";
    RESET_PASSWORD_LEAD = "Enter this code on the page where you asked for it, or open the link \
        below.";
    CHOOSE_PASSWORD = "Choose a new password";
    RESET_PASSWORD_REASON = "You get this because someone asked to reset the password of {email} \
        at {product}. If this wasn't you, ignore this email.";

    CHANGE_EMAIL = "Confirm your new email address";
    CHANGE_EMAIL_LEAD = "Enter this code in your account, or open the link below. Until then, your \
        account keeps its current address.";
    CHANGE_EMAIL_REASON = "You get this because someone asked to use {email} for their account at \
        {product}. If this wasn't you, ignore this email.";

    NOTICE_ADVICE = "If this was you, there's nothing to do. If not, secure your account now.";
    NOT_ME = "This wasn't me";
    NOTICE_REASON = "You get this because {product} tells you about important changes to your \
        account.";

    NEW_DEVICE = "New log-in to your account";
    NEW_DEVICE_SUBJECT = "New log-in from {device}";
    NEW_DEVICE_LEAD = "Someone logged in to your account from a new device.";
    NEW_DEVICE_ADVICE = "If this was you, there's nothing to do. If not, log that device out and \
        choose a new password.";

    PASSWORD_CHANGED = "Your password was changed";
    PASSWORD_CHANGED_LEAD = "The password of your account was changed. All other devices were \
        logged out.";

    PASSWORD_RESET = "Your password was reset";
    PASSWORD_RESET_LEAD = "A new password was chosen with a link or code from an email. All \
        devices were logged out.";

    EMAIL_CHANGED = "Your email address was changed";
    EMAIL_CHANGED_LEAD = "Your account has a new email address. Use it to log in from now on.";
    EMAIL_CHANGED_ADVICE = "If this wasn't you, take your account back. We'll log out all devices, \
        and you choose a new password.";
    TAKE_BACK = "Take it back";

    REUSE_DETECTED = "We logged out one of your devices";
    REUSE_DETECTED_LEAD = "To be safe, we logged out a device whose session was used in two \
        places. Someone may have copied it.";
    REUSE_DETECTED_ADVICE = "If you restored a backup or copied a browser profile, just log in \
        again. If not, secure your account now.";

    DELETION_REQUESTED = "Your account will be deleted";
    DELETION_REQUESTED_SUBJECT = "Your account will be deleted on {date}";
    DELETION_REQUESTED_LEAD = "On {time}, your account and everything we store about you will be \
        deleted for good. Until then you can log in and keep your account.";
    DELETION_REQUESTED_ADVICE = "If you didn't ask for this, secure your account now.";
    KEEP_ACCOUNT = "Changed your mind? Log in and keep your account:";

    DELETION_CANCELLED = "Your account won't be deleted";
    DELETION_CANCELLED_LEAD = "The deletion of your account was cancelled. Nothing will be \
        deleted.";

    TEST = "Email works";
    TEST_LEAD = "Email works. {product} can send email to this address.";
    TEST_REASON = "You get this because an administrator of {product} sent a test to {email}.";

    NEW_EMAIL = "New email";
    DEVICE = "Device";
    IP_ADDRESS = "IP address";
    TIME = "Time";
    DAY_AND_MONTH = "{day} {month}";
    DATE_AND_TIME = "{day} {month} {year}, {hour}:{minute} UTC";
    ONE_MINUTE = "1 minute";
    MINUTES = "{count} minutes";
    ONE_HOUR = "1 hour";
    HOURS = "{count} hours";
    ONE_DAY = "1 day";
    DAYS = "{count} days";
}

/// The action that a mail offers.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// Type the one-time code, or open the one-time link with this label.
    Code(Message),
    /// Open the one-time link with this label.
    Link(Message),
    /// Open a page of the site: label and path.
    Page(Message, &'static str),
    /// Nothing.
    None,
}

/// The words of one mail.
pub(super) struct Words {
    /// The subject, except for [`Action::Code`]: see [`code_subject`].
    pub(super) subject: String,
    pub(super) heading: Message,
    /// The first paragraph, which is also the preview in lists of mails.
    pub(super) lead: String,
    /// The paragraph before the action. May be empty.
    pub(super) advice: &'static str,
    pub(super) action: Action,
    /// Label and path of another page that helps.
    pub(super) see_also: Option<(Message, &'static str)>,
    /// The reason for the mail, shown in the footer.
    pub(super) reason: String,
}

/// Returns the words of a mail to `recipient`.
pub(super) fn words(content: &MailContent, product: &str, recipient: &str) -> Words {
    let fill = |message: Message| message.with(&[("product", product), ("email", recipient)]);
    let information = |heading: Message, lead, reason| Words {
        subject: heading.text().to_owned(),
        heading,
        lead: fill(lead),
        advice: "",
        action: Action::None,
        see_also: None,
        reason: fill(reason),
    };
    let code = |heading, lead, label, reason| Words {
        action: Action::Code(label),
        ..information(heading, lead, reason)
    };
    let notice = |heading, lead| Words {
        advice: NOTICE_ADVICE.text(),
        action: Action::Link(NOT_ME),
        ..information(heading, lead, NOTICE_REASON)
    };
    match content {
        MailContent::SignUp => {
            code(FINISH_SIGN_UP, FINISH_SIGN_UP_LEAD, CONFIRM_EMAIL, FINISH_SIGN_UP_REASON)
        }
        MailContent::AccountExists => Words {
            advice: ACCOUNT_EXISTS_ADVICE.text(),
            action: Action::Page(LOG_IN, "/login"),
            see_also: Some((RESET_IT, "/forgot")),
            ..information(ACCOUNT_EXISTS, ACCOUNT_EXISTS_LEAD, ACCOUNT_EXISTS_REASON)
        },
        MailContent::VerifyEmail => {
            code(VERIFY_EMAIL, VERIFY_EMAIL_LEAD, CONFIRM_EMAIL, VERIFY_EMAIL_REASON)
        }
        MailContent::Invitation => Words {
            subject: fill(INVITATION_SUBJECT),
            advice: INVITATION_ADVICE.text(),
            action: Action::Link(CREATE_ACCOUNT),
            ..information(INVITATION, INVITATION_LEAD, INVITATION_REASON)
        },
        MailContent::ResetPassword => {
            code(RESET_PASSWORD, RESET_PASSWORD_LEAD, CHOOSE_PASSWORD, RESET_PASSWORD_REASON)
        }
        MailContent::ChangeEmail => {
            code(CHANGE_EMAIL, CHANGE_EMAIL_LEAD, CONFIRM_EMAIL, CHANGE_EMAIL_REASON)
        }
        MailContent::NewDevice(origin) => Words {
            subject: origin.device.as_ref().map_or_else(
                || NEW_DEVICE.text().to_owned(),
                |device| NEW_DEVICE_SUBJECT.with(&[("device", device)]),
            ),
            advice: NEW_DEVICE_ADVICE.text(),
            ..notice(NEW_DEVICE, NEW_DEVICE_LEAD)
        },
        MailContent::PasswordChanged(_) => notice(PASSWORD_CHANGED, PASSWORD_CHANGED_LEAD),
        MailContent::PasswordReset(_) => notice(PASSWORD_RESET, PASSWORD_RESET_LEAD),
        MailContent::EmailChanged { .. } => Words {
            advice: EMAIL_CHANGED_ADVICE.text(),
            action: Action::Link(TAKE_BACK),
            ..notice(EMAIL_CHANGED, EMAIL_CHANGED_LEAD)
        },
        MailContent::ReuseDetected(_) => Words {
            advice: REUSE_DETECTED_ADVICE.text(),
            ..notice(REUSE_DETECTED, REUSE_DETECTED_LEAD)
        },
        MailContent::DeletionRequested { delete_at, .. } => Words {
            subject: DELETION_REQUESTED_SUBJECT.with(&[("date", &day_and_month(*delete_at))]),
            lead: DELETION_REQUESTED_LEAD.with(&[("time", &date_time(*delete_at))]),
            advice: DELETION_REQUESTED_ADVICE.text(),
            see_also: Some((KEEP_ACCOUNT, "/login")),
            ..notice(DELETION_REQUESTED, DELETION_REQUESTED_LEAD)
        },
        MailContent::DeletionCancelled(_) => notice(DELETION_CANCELLED, DELETION_CANCELLED_LEAD),
        MailContent::Test => information(TEST, TEST_LEAD, TEST_REASON),
    }
}

/// Returns the subject of a mail with a code. The heading continues the sentence, so it begins with
/// a small letter, unless the operator has replaced it: other languages have other rules.
pub(super) fn code_subject(code: &str, heading: Message) -> String {
    let text = heading.text();
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    let heading =
        if text == heading.english() { first.chain(letters).collect() } else { text.to_owned() };
    CODE_SUBJECT.with(&[("code", code), ("heading", &heading)])
}

/// Returns how long the one-time link works, and the code if there is one.
pub(super) fn validity(code_ttl: Option<TimeSpan>, link_ttl: TimeSpan) -> String {
    let link = duration(link_ttl);
    match code_ttl.map(duration) {
        None => LINK_VALIDITY.with(&[("link_time", &link)]),
        Some(code) => CODE_VALIDITY.with(&[("code_time", &code), ("link_time", &link)]),
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
        (NEW_EMAIL, new_email),
        (DEVICE, origin.device.clone()),
        (IP_ADDRESS, origin.address.clone()),
        (TIME, Some(date_time(origin.at))),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label.text(), value?)))
    .collect()
}

/// Returns a duration in the largest unit that divides it.
fn duration(span: TimeSpan) -> String {
    let minutes = span.as_seconds() / 60;
    let (count, one, many) = match minutes {
        1441.. if minutes % 1440 == 0 => (minutes / 1440, ONE_DAY, DAYS),
        60.. if minutes % 60 == 0 => (minutes / 60, ONE_HOUR, HOURS),
        _ => (minutes, ONE_MINUTE, MINUTES),
    };
    let message = if count == 1 { one } else { many };
    message.with(&[("count", &count.to_string())])
}

fn date_time(at: Timestamp) -> String {
    let UtcDateTime { year, month, day, hour, minute, .. } = at.into();
    DATE_AND_TIME.with(&[
        ("day", &day.to_string()),
        ("month", MONTHS[month].text()),
        ("year", &year.to_string()),
        ("hour", &format!("{hour:02}")),
        ("minute", &format!("{minute:02}")),
    ])
}

fn day_and_month(at: Timestamp) -> String {
    let UtcDateTime { month, day, .. } = at.into();
    DAY_AND_MONTH.with(&[("day", &day.to_string()), ("month", MONTHS[month].text())])
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
