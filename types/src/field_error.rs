//! Validation errors of form fields, with the messages for them.
//!
//! They are sent as short text, `email=missing,password=too_short.8`, which also fits into a query
//! string. After the dot is the limit, or why a password is too weak. The codec is written by hand:
//! the code that `serde` derives for these enums adds 3 KB to the Wasm module.

use crate::{Message, PasswordWeakness};
use std::{fmt, str::FromStr};

/// A field of the forms in [`crate::forms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The email address.
    Email,
    /// The password, at log-in and sign-up.
    Password,
    /// The display name.
    Name,
    /// The current password, where it has to be confirmed.
    CurrentPassword,
    /// The new password, where it is changed.
    NewPassword,
    /// The code from an email.
    Code,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 6] = [
        Self::Email,
        Self::Password,
        Self::Name,
        Self::CurrentPassword,
        Self::NewPassword,
        Self::Code,
    ];

    /// Returns the name of the field in forms and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::Name => "name",
            Self::CurrentPassword => "current_password",
            Self::NewPassword => "new_password",
            Self::Code => "code",
        }
    }
}

/// A validation error of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The field is empty.
    Missing,
    /// The syntax is invalid.
    Malformed,
    /// Shorter than `min` characters.
    TooShort {
        /// Minimum number of characters.
        min: u16,
    },
    /// Longer than `max` bytes.
    TooLong {
        /// Maximum number of bytes.
        max: u16,
    },
    /// Contains a control, invisible or bidirectional formatting character.
    ControlCharacter,
    /// The email address contains full-width characters, such as `＠`.
    FullWidth,
    /// The password equals the email address or its local part.
    MatchesEmail,
    /// The password is easy to guess. Only the server checks this: it has the word lists.
    TooWeak(PasswordWeakness),
    /// The current password is incorrect.
    Incorrect,
    /// The new password or email address equals the current one.
    Unchanged,
    /// The code has expired, or was entered incorrectly too often.
    Expired,
    /// The invitation is for another email address.
    NotInvited,
}

impl FieldError {
    /// Every kind of error, except weak passwords.
    const EXAMPLES: [Self; 11] = [
        Self::Missing,
        Self::Malformed,
        Self::TooShort { min: 8 },
        Self::TooLong { max: 1024 },
        Self::ControlCharacter,
        Self::FullWidth,
        Self::MatchesEmail,
        Self::Incorrect,
        Self::Unchanged,
        Self::Expired,
        Self::NotInvited,
    ];

    /// Returns the stable code of this error in the JSON API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "disallowed_character",
            Self::FullWidth => "full_width",
            Self::MatchesEmail => "matches_email",
            Self::TooWeak(_) => "too_weak",
            Self::Incorrect => "incorrect",
            Self::Unchanged => "unchanged",
            Self::Expired => "expired",
            Self::NotInvited => "not_invited",
        }
    }

    /// Returns how to correct a field with this error. At most 36 characters, so that it fits on
    /// one line of a narrow window.
    #[must_use]
    pub fn message(self, field: Field) -> String {
        self.filled(field, Message::with)
    }

    /// Returns the message in English, for the JSON API.
    #[must_use]
    pub fn english(self, field: Field) -> String {
        self.filled(field, Message::english_with)
    }

    /// Returns the message with its limit, if it has one. `fill` fills the placeholders.
    fn filled(self, field: Field, fill: fn(Message, &[(&str, &str)]) -> String) -> String {
        let limit = match self {
            Self::TooShort { min: limit } | Self::TooLong { max: limit } => limit.to_string(),
            _ => String::new(),
        };
        fill(self.declaration(field), &[("limit", &limit)])
    }

    /// Returns the message: the only place that lists the errors with their messages.
    const fn declaration(self, field: Field) -> Message {
        Message::new(match (field, self) {
            (Field::Email, Self::Missing) => "Enter your email address.",
            (Field::Password, Self::Missing) => "Enter your password.",
            (Field::CurrentPassword, Self::Missing) => "Enter your current password.",
            (Field::NewPassword, Self::Missing) => "Enter a new password.",
            (Field::Name, Self::Missing) => "Enter a name.",
            (Field::Code, Self::Missing) => "Enter the code from the email.",
            (Field::Code, Self::Malformed) => "The code has six digits.",
            (Field::Code, Self::Incorrect) => "That code isn't right.",
            (Field::Email, Self::Malformed) => "Use the format name@example.com.",
            (_, Self::Malformed) => "Check this and try again.",
            (Field::Email, Self::TooLong { .. }) => "Use up to {limit} characters.",
            // The limit is in bytes; only ASCII letters take one each.
            (_, Self::TooLong { .. }) => "Too long. Use up to {limit} letters.",
            (_, Self::TooShort { .. }) => "Use at least {limit} characters.",
            (_, Self::ControlCharacter) => "Remove hidden characters.",
            (_, Self::FullWidth) => "Use half-width letters.",
            (_, Self::MatchesEmail) => return PasswordWeakness::OwnEmail.message(),
            (_, Self::TooWeak(weakness)) => return weakness.message(),
            (_, Self::Incorrect) => "That's not your current password.",
            (Field::Email, Self::Unchanged) => "That's already your email address.",
            (_, Self::Unchanged) => "That's already your password.",
            (_, Self::Expired) => "Code no longer works. Get a new one.",
            (_, Self::NotInvited) => "Use the address of the invitation.",
        })
    }

    /// Returns the messages of all errors of all fields. Some are in it several times.
    pub fn messages() -> impl Iterator<Item = Message> {
        let weak = PasswordWeakness::ALL.iter().copied().map(Self::TooWeak);
        let errors = Self::EXAMPLES.into_iter().chain(weak);
        Field::ALL
            .into_iter()
            .flat_map(move |field| errors.clone().map(move |error| error.declaration(field)))
    }

    fn parse(text: &str) -> Option<Self> {
        let (code, detail) = text.split_once('.').unwrap_or((text, ""));
        match code {
            "too_short" => detail.parse().ok().map(|min| Self::TooShort { min }),
            "too_long" => detail.parse().ok().map(|max| Self::TooLong { max }),
            "too_weak" => PasswordWeakness::from_name(detail).map(Self::TooWeak),
            _ => Self::EXAMPLES.into_iter().find(|error| error.code() == text),
        }
    }
}

/// The validation errors of a form: at most one per field, in the order of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<(Field, FieldError)>);

impl FieldErrors {
    /// Returns the error of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<FieldError> {
        self.0.iter().find(|(other, _)| *other == field).map(|(_, error)| *error)
    }

    /// Returns the parsed value, or records the error for the field.
    pub(crate) fn check<T>(&mut self, field: Field, parsed: Result<T, FieldError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push((field, error));
                None
            }
        }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, error)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}{}={}", field.name(), error.code())?;
            match error {
                FieldError::TooShort { min: limit } | FieldError::TooLong { max: limit } => {
                    write!(out, ".{limit}")?;
                }
                FieldError::TooWeak(weakness) => write!(out, ".{}", weakness.name())?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The text is not a list of validation errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseFieldErrorsError;

impl FromStr for FieldErrors {
    type Err = ParseFieldErrorsError;

    fn from_str(text: &str) -> Result<Self, ParseFieldErrorsError> {
        let parse = |text: &str| {
            let (field, error) = text.split_once('=')?;
            let field = Field::ALL.into_iter().find(|known| known.name() == field)?;
            Some((field, FieldError::parse(error)?))
        };
        // Bounded by the number of fields, because the query string can be long.
        text.split(',')
            .take(Field::ALL.len())
            .map(parse)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(ParseFieldErrorsError)
    }
}

impl From<(Field, FieldError)> for FieldErrors {
    fn from(error: (Field, FieldError)) -> Self {
        Self(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile for a new error, which must be in the examples.
    const fn is_example(error: FieldError) -> usize {
        match error {
            FieldError::TooWeak(_) => 0,
            FieldError::Missing
            | FieldError::Malformed
            | FieldError::TooShort { .. }
            | FieldError::TooLong { .. }
            | FieldError::ControlCharacter
            | FieldError::FullWidth
            | FieldError::MatchesEmail
            | FieldError::Incorrect
            | FieldError::Unchanged
            | FieldError::Expired
            | FieldError::NotInvited => 11,
        }
    }

    #[test]
    fn examples_contain_every_error() {
        let examples = FieldError::EXAMPLES;
        assert!(examples.iter().all(|error| is_example(*error) == examples.len()));
    }

    /// The message of every error of every field.
    fn field_errors() -> impl Iterator<Item = String> {
        let weak = PasswordWeakness::ALL.iter().copied().map(FieldError::TooWeak);
        let errors = FieldError::EXAMPLES.into_iter().chain(weak);
        Field::ALL
            .into_iter()
            .flat_map(move |field| errors.clone().map(move |error| error.message(field)))
    }

    #[test]
    fn field_error_fits_on_one_line_of_a_narrow_window() {
        for text in field_errors() {
            assert!(text.chars().count() <= 36, "{text}");
        }
    }

    #[test]
    fn field_error_is_a_sentence_without_exclamation() {
        for text in field_errors() {
            assert!(text.ends_with('.') && !text.contains('!'), "{text}");
        }
    }

    #[test]
    fn field_errors_round_trip_as_text() {
        let errors = FieldErrors(vec![
            (Field::Name, FieldError::TooLong { max: 200 }),
            (Field::Email, FieldError::Missing),
            (Field::Password, FieldError::TooShort { min: 8 }),
            (Field::CurrentPassword, FieldError::Incorrect),
            (Field::NewPassword, FieldError::TooWeak(PasswordWeakness::OwnName)),
        ]);
        assert_eq!(
            errors.to_string(),
            "name=too_long.200,email=missing,password=too_short.8,current_password=incorrect,\
             new_password=too_weak.own_name"
        );
        assert_eq!(errors.to_string().parse(), Ok(errors));
        for error in [
            FieldError::Malformed,
            FieldError::ControlCharacter,
            FieldError::FullWidth,
            FieldError::MatchesEmail,
            FieldError::Unchanged,
        ] {
            let errors = FieldErrors::from((Field::Email, error));
            assert_eq!(errors.to_string().parse(), Ok(errors));
        }
    }

    #[test]
    fn invalid_text_is_no_list_of_field_errors() {
        for text in [
            "",
            ",",
            "email",
            "email=",
            "email=nothing",
            "unknown=missing",
            "email=too_long",
            "email=too_long.x",
            "email=too_long.70000",
            "email=missing.8",
            "password=too_weak",
            "password=too_weak.8",
            "email=missing,",
        ] {
            assert_eq!(text.parse::<FieldErrors>(), Err(ParseFieldErrorsError), "{text:?}");
        }
    }
}
