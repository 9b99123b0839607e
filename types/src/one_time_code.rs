//! The six-digit code that an email contains beside its link.

use crate::FieldError;
use std::fmt;

/// Number of digits.
const LENGTH: usize = 6;
/// Maximum length of the input in bytes, with spaces.
const MAX_INPUT_LENGTH: u16 = 40;

/// A code of six digits, as typed. Spaces and hyphens are dropped, because the email groups the
/// digits and users paste them.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode(String);

impl OneTimeCode {
    /// Parses a code. Whether it is the right one is not checked.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.len() > usize::from(MAX_INPUT_LENGTH) {
            return Err(FieldError::TooLong { max: MAX_INPUT_LENGTH });
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if digits.is_empty() {
            Err(FieldError::Missing)
        } else if digits.len() == LENGTH && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(FieldError::Malformed)
        }
    }

    /// Returns the digits. Do not log or store them.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OneTimeCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouped_code_is_accepted_and_other_text_is_not() {
        for text in ["419203", "419 203", " 419-203 ", "4 1 9 2 0 3", "419\u{a0}203"] {
            assert_eq!(OneTimeCode::parse(text).expect(text).expose(), "419203");
        }
        for (text, error) in [
            ("", FieldError::Missing),
            (" - ", FieldError::Missing),
            ("41920", FieldError::Malformed),
            ("4192033", FieldError::Malformed),
            ("41920x", FieldError::Malformed),
            ("٤١٩٢٠٣", FieldError::Malformed),
            (&"4".repeat(41), FieldError::TooLong { max: 40 }),
        ] {
            assert_eq!(OneTimeCode::parse(text), Err(error), "{text:?}");
        }
    }
}
