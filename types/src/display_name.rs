//! Display names.

use crate::FieldError;

/// Maximum length in bytes.
const MAX_BYTES: u16 = 200;

/// The name that is shown for an account: one line of text, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Parses a name. Returns `None` for empty text, because the name is optional.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > usize::from(MAX_BYTES) {
            return Err(FieldError::TooLong { max: MAX_BYTES });
        }
        if text.chars().any(is_disallowed_char) {
            return Err(FieldError::ControlCharacter);
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether `c` is a control character, a line or paragraph separator, or a bidirectional
/// formatting character, which would reorder the text around the name.
fn is_disallowed_char(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn display_name_in_any_script_is_kept() {
        for text in ["Ada", "Ада Лавлейс", "山田 太郎", "O'Neil <b>", "👩‍👩‍👧"]
        {
            assert_eq!(DisplayName::parse(text).expect(text).expect("a name").as_str(), text);
        }
        assert_eq!(DisplayName::parse(" \t "), Ok(None));
    }

    #[test]
    fn line_breaks_and_bidi_controls_are_rejected() {
        for text in ["a\nb", "a\0b", "a\u{1b}[31mb", "a\u{2028}b", "a\u{202e}b", "a\u{61c}b"] {
            assert_eq!(DisplayName::parse(text), Err(FieldError::ControlCharacter), "{text:?}");
        }
        assert_eq!(DisplayName::parse(&"é".repeat(101)), Err(FieldError::TooLong { max: 200 }));
    }

    proptest! {
        #[test]
        fn any_accepted_name_is_one_trimmed_line(text in any::<String>()) {
            if let Ok(Some(name)) = DisplayName::parse(&text) {
                let kept = name.as_str();
                prop_assert_eq!(kept, text.trim());
                prop_assert!((1..=200).contains(&kept.len()));
                prop_assert_eq!(kept.lines().count(), 1);
                prop_assert!(!kept.chars().any(char::is_control));
                prop_assert_eq!(DisplayName::parse(kept), Ok(Some(name.clone())));
            }
        }

        #[test]
        fn name_of_letters_and_symbols_is_accepted(
            text in concat!(
                r"[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{M}\p{N}\p{P}\p{S} ]{0,30}",
                r"[\p{L}\p{N}\p{P}\p{S}]"
            )
        ) {
            let name = DisplayName::parse(&text).expect("valid").expect("a name");
            prop_assert_eq!(name.as_str(), text);
        }
    }
}
