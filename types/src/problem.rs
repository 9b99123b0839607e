//! Why a request failed: a closed set without free text, because it is also part of a URL
//! (`?__err=`), which anyone can construct. Its text form is short: `email_taken`, `overloaded:3`,
//! `invalid_fields:email=missing`.
//!
//! Each problem is declared once, with its code, its HTTP status and its texts; see `declaration`.
//! How it becomes a response is not here but in `countersign_http::problem` (JSON) and in
//! `countersign_leptos::request` (server functions).

use crate::{Field, FieldError, FieldErrors, Message};
use std::{fmt, str::FromStr};

/// Why a request failed, as far as the client may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The form has invalid fields.
    Invalid(FieldErrors),
    /// Unknown email address or wrong password. The same for both, so that it reveals no account.
    InvalidCredentials,
    /// Sign-up is closed.
    SignUpClosed,
    /// Sign-up needs an invitation.
    InvitationRequired,
    /// An account with this email address exists.
    EmailTaken,
    /// The link is invalid, expired or already used.
    LinkExpired,
    /// The server sends no email.
    MailDisabled,
    /// No credential, or an expired or revoked one. The only problem after which the browser
    /// refreshes.
    Unauthenticated,
    /// The user must enter the password again. (RFC 9470.)
    ReauthenticationRequired,
    /// The refresh token was rotated twice meanwhile. The next attempt sends a newer one. Pages
    /// never see this problem.
    RefreshSuperseded,
    /// The form was rendered for another session than that of the request.
    SessionMismatch,
    /// The request or the URL of the page is malformed.
    BadRequest,
    /// The request came from another site.
    NotAllowed,
    /// The user lacks the required role.
    Forbidden,
    /// The change would remove the last administrator.
    LastAdmin,
    /// The maximum number of invitations is open.
    TooManyInvitations,
    /// The object doesn't exist or belongs to another user.
    NotFound,
    /// The request body is too large.
    TooLarge,
    /// A rate limit is exceeded. The request was not processed.
    RateLimited {
        /// Seconds until the next attempt.
        retry_after: u32,
    },
    /// The server is overloaded.
    Overloaded {
        /// Seconds until the next attempt.
        retry_after: u32,
    },
    /// The server is temporarily unable to work.
    Unavailable,
    /// The server is unreachable. Created in the browser only.
    Offline,
    /// An internal error.
    Internal {
        /// The request id, as in the log; empty if unknown.
        id: String,
    },
}

/// `Retry-After` while the database is unavailable, in seconds.
const UNAVAILABLE_RETRY_AFTER: u32 = 5;

/// Code, HTTP status and texts of a problem.
struct Declaration {
    code: &'static str,
    status: u16,
    title: Message,
    /// `{time}` is the placeholder for the waiting time.
    detail: Message,
}

/// Declares one problem.
const fn declare(
    code: &'static str,
    status: u16,
    title: &'static str,
    detail: &'static str,
) -> Declaration {
    Declaration { code, status, title: Message::new(title), detail: Message::new(detail) }
}

impl Problem {
    /// Returns the declaration: the only place that lists the problems with their properties.
    const fn declaration(&self) -> Declaration {
        match self {
            Self::Invalid(errors) => {
                let (title, detail) = if errors.0.len() == 1 {
                    ("One field is invalid", "Correct it and try again.")
                } else {
                    ("Some fields are invalid", "Correct them and try again.")
                };
                declare("invalid_fields", 422, title, detail)
            }
            Self::InvalidCredentials => declare(
                "invalid_credentials",
                401,
                "Incorrect email address or password",
                "Check both and try again.",
            ),
            Self::SignUpClosed => declare(
                "sign_up_closed",
                403,
                "Sign-up is closed",
                "Ask an administrator for an account.",
            ),
            Self::InvitationRequired => declare(
                "invitation_required",
                403,
                "Sign-up is by invitation only",
                "Ask an administrator for an invitation.",
            ),
            Self::EmailTaken => declare(
                "email_taken",
                409,
                "This email address already has an account",
                "Log in instead, or use another email address.",
            ),
            Self::LinkExpired => declare(
                "link_expired",
                410,
                "This link no longer works",
                "Links like this work once and for a short time. Ask for a new one.",
            ),
            Self::MailDisabled => declare(
                "mail_disabled",
                404,
                "This site sends no email",
                "Ask an administrator for help.",
            ),
            Self::Unauthenticated => declare(
                "invalid_token",
                401,
                "Log in to continue",
                "You need to be logged in for this.",
            ),
            Self::ReauthenticationRequired => declare(
                "reauthentication_required",
                401,
                "Confirm it's you",
                "Enter your password again to continue.",
            ),
            Self::RefreshSuperseded => declare(
                "refresh_superseded",
                401,
                "Your session was just refreshed",
                "Another tab refreshed your session. Try again.",
            ),
            Self::SessionMismatch => declare(
                "session_mismatch",
                409,
                "You've switched accounts",
                "Nothing was changed. Reload the page to continue.",
            ),
            Self::BadRequest => declare(
                "bad_request",
                400,
                "Invalid request",
                "The request or the link is incomplete. Go back and try again.",
            ),
            Self::NotAllowed => declare(
                "not_allowed",
                403,
                "Blocked for your safety",
                "The request came from another site. Open this page directly and try again.",
            ),
            Self::Forbidden => {
                declare("forbidden", 403, "Administrators only", "Ask an administrator for help.")
            }
            Self::LastAdmin => declare(
                "last_admin",
                409,
                "You can't remove the last administrator",
                "Make someone else an administrator first.",
            ),
            Self::TooManyInvitations => declare(
                "too_many_invitations",
                409,
                "Too many invitations are open",
                "Revoke some, or wait until they expire.",
            ),
            Self::NotFound => {
                declare("not_found", 404, "Not found", "It may have ended or been removed.")
            }
            Self::TooLarge => declare(
                "too_large",
                413,
                "Request too large",
                "Shorten what you entered and try again.",
            ),
            // The password was not verified, so the text says nothing about it.
            Self::RateLimited { .. } => declare(
                "rate_limited",
                429,
                "Too many attempts",
                "We didn't check this attempt. Try again in {time}.",
            ),
            Self::Overloaded { .. } => declare(
                "overloaded",
                503,
                "We're busy right now",
                "Nothing was changed. Try again in {time}.",
            ),
            Self::Unavailable => declare(
                "unavailable",
                503,
                "Temporarily unavailable",
                "Your account is safe. Try again in a moment.",
            ),
            Self::Offline => declare(
                "offline",
                503,
                "Can't reach the server",
                "Nothing is lost. Try again in a moment.",
            ),
            Self::Internal { .. } => declare(
                "internal",
                500,
                "Something went wrong on our side",
                "Try again in a moment.",
            ),
        }
    }

    /// An internal error without a request id.
    #[must_use]
    pub const fn internal() -> Self {
        Self::Internal { id: String::new() }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.declaration().status
    }

    /// Returns the stable code for API clients.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.declaration().code
    }

    /// Returns the title, in a few words.
    #[must_use]
    pub const fn title(&self) -> Message {
        self.declaration().title
    }

    /// Returns what the problem means and what to do about it.
    #[must_use]
    pub fn detail(&self) -> String {
        self.filled_detail(Message::with)
    }

    /// Returns the detail in English, for the JSON API.
    #[must_use]
    pub fn english_detail(&self) -> String {
        self.filled_detail(Message::english_with)
    }

    /// Returns the detail with the waiting time, if it has one. `fill` fills the placeholders.
    fn filled_detail(&self, fill: fn(Message, &[(&str, &str)]) -> String) -> String {
        let time = match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => {
                wait_time(*retry_after, fill)
            }
            _ => String::new(),
        };
        fill(self.declaration().detail, &[("time", &time)])
    }

    /// Returns title and detail as one paragraph.
    #[must_use]
    pub fn summary(&self) -> String {
        texts::SUMMARY.with(&[("title", self.title().text()), ("detail", &self.detail())])
    }

    /// Returns title and detail in English, for the command line.
    #[must_use]
    pub fn english_summary(&self) -> String {
        let detail = self.english_detail();
        texts::SUMMARY.english_with(&[("title", self.title().english()), ("detail", &detail)])
    }

    /// Returns the messages of all problems.
    pub fn messages() -> impl Iterator<Item = Message> {
        let with_data = [
            Self::Invalid(FieldErrors(vec![(Field::Email, FieldError::Missing)])),
            Self::Invalid(FieldErrors(Vec::new())),
            Self::RateLimited { retry_after: 1 },
            Self::Overloaded { retry_after: 1 },
            Self::internal(),
        ];
        let problems = UNIT_VARIANTS.iter().cloned().chain(with_data);
        let declared = problems.flat_map(|problem| {
            let Declaration { title, detail, .. } = problem.declaration();
            [title, detail]
        });
        declared.chain(texts::MESSAGES.messages.iter().copied())
    }

    /// Returns the seconds until the next attempt, if known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => {
                Some(*retry_after)
            }
            Self::Unavailable => Some(UNAVAILABLE_RETRY_AFTER),
            _ => None,
        }
    }
}

/// Texts inside of the messages of problems.
pub mod texts {
    crate::messages! {
        SUMMARY = "{title}. {detail}";
        A_SECOND = "a second";
        SECONDS = "{count} seconds";
        A_MINUTE = "a minute";
        MINUTES = "{count} minutes";
        HOURS = "{count} hours";
    }
}

/// Returns a waiting time in words, rounded up.
fn wait_time(seconds: u32, fill: fn(Message, &[(&str, &str)]) -> String) -> String {
    let (message, count) = match seconds {
        0..2 => (texts::A_SECOND, 1),
        2..60 => (texts::SECONDS, seconds),
        60 => (texts::A_MINUTE, 1),
        61..=3600 => (texts::MINUTES, seconds.div_ceil(60)),
        _ => (texts::HOURS, seconds.div_ceil(3600)),
    };
    fill(message, &[("count", &count.to_string())])
}

/// The variants without data.
const UNIT_VARIANTS: &[Problem] = &[
    Problem::InvalidCredentials,
    Problem::SignUpClosed,
    Problem::InvitationRequired,
    Problem::EmailTaken,
    Problem::LinkExpired,
    Problem::MailDisabled,
    Problem::Unauthenticated,
    Problem::ReauthenticationRequired,
    Problem::RefreshSuperseded,
    Problem::SessionMismatch,
    Problem::BadRequest,
    Problem::NotAllowed,
    Problem::Forbidden,
    Problem::LastAdmin,
    Problem::TooManyInvitations,
    Problem::NotFound,
    Problem::TooLarge,
    Problem::Unavailable,
    Problem::Offline,
];

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        match self {
            Self::Invalid(errors) => write!(out, "{code}:{errors}"),
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => {
                write!(out, "{code}:{retry_after}")
            }
            Self::Internal { id } => write!(out, "{code}:{id}"),
            _ => out.write_str(code),
        }
    }
}

impl FromStr for Problem {
    type Err = ParseProblemError;

    fn from_str(text: &str) -> Result<Self, ParseProblemError> {
        let problem = match text.split_once(':') {
            None => UNIT_VARIANTS.iter().find(|problem| problem.code() == text).cloned(),
            Some(("invalid_fields", errors)) => errors.parse().ok().map(Self::Invalid),
            Some(("rate_limited", seconds)) => {
                seconds.parse().ok().map(|retry_after| Self::RateLimited { retry_after })
            }
            Some(("overloaded", seconds)) => {
                seconds.parse().ok().map(|retry_after| Self::Overloaded { retry_after })
            }
            Some(("internal", id)) => {
                Some(Self::Internal { id: sanitize_request_id(id).to_owned() })
            }
            Some(_) => None,
        };
        problem.ok_or(ParseProblemError)
    }
}

/// Returns the request id if it is well-formed, else an empty text. It is the only free text of a
/// problem, and a URL may contain any.
fn sanitize_request_id(id: &str) -> &str {
    if id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        id
    } else {
        ""
    }
}

/// The text is not a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseProblemError;

impl fmt::Display for ParseProblemError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a problem text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Problem> {
        use Problem as P;
        let others = [
            P::Invalid((Field::Password, FieldError::TooShort { min: 8 }).into()),
            P::RateLimited { retry_after: 60 },
            P::Overloaded { retry_after: 3 },
            P::Internal { id: "0193-abc".to_owned() },
        ];
        UNIT_VARIANTS.iter().cloned().chain(others).collect()
    }

    /// Does not compile for a new problem, which must be in the list that [`all`] returns.
    const fn is_listed(problem: &Problem) -> usize {
        use Problem as P;
        match problem {
            P::Invalid(_) | P::RateLimited { .. } | P::Overloaded { .. } | P::Internal { .. } => 0,
            P::InvalidCredentials
            | P::SignUpClosed
            | P::InvitationRequired
            | P::EmailTaken
            | P::LinkExpired
            | P::MailDisabled
            | P::Unauthenticated
            | P::ReauthenticationRequired
            | P::RefreshSuperseded
            | P::SessionMismatch
            | P::BadRequest
            | P::NotAllowed
            | P::Forbidden
            | P::LastAdmin
            | P::TooManyInvitations
            | P::NotFound
            | P::TooLarge
            | P::Unavailable
            | P::Offline => 19,
        }
    }

    #[test]
    fn every_problem_without_data_is_parsed() {
        assert!(UNIT_VARIANTS.iter().all(|problem| is_listed(problem) == UNIT_VARIANTS.len()));
    }

    #[test]
    fn problem_survives_serialization() {
        for problem in all() {
            assert_eq!(problem.to_string().parse(), Ok(problem));
        }
    }

    #[test]
    fn malformed_problem_text_is_rejected() {
        for text in [
            "",
            "%",
            "<b>hi</b>",
            "internal",
            "Credentials",
            "credentials:",
            "overloaded",
            "overloaded:",
            "overloaded:x",
            "overloaded:-1",
            "invalid:",
            "invalid_fields:email=<b>",
            "null",
            "////",
        ] {
            assert_eq!(text.parse::<Problem>(), Err(ParseProblemError), "{text:?}");
        }
    }

    #[test]
    fn request_id_is_dropped_unless_well_formed() {
        let long = "a".repeat(65);
        for id in ["call 555-0100 to unlock", "<b>", "é", "a\nb", &long, ""] {
            assert_eq!(format!("internal:{id}").parse(), Ok(Problem::internal()), "{id:?}");
        }
    }

    #[test]
    fn wait_time_is_rounded_up() {
        for (seconds, text) in [
            (0, "a second"),
            (1, "a second"),
            (2, "2 seconds"),
            (59, "59 seconds"),
            (60, "a minute"),
            (61, "2 minutes"),
            (3600, "60 minutes"),
            (3601, "2 hours"),
        ] {
            assert_eq!(wait_time(seconds, Message::with), text);
        }
    }
}
