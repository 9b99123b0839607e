//! The name that an account shows.

use crate::Fault;

const MAX: u16 = 200;

/// One line of text, without the blanks that were around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// `None` for an empty field: nobody has to have a name.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > usize::from(MAX) {
            return Err(Fault::TooLong { max: MAX });
        }
        if text.chars().any(is_unprintable) {
            return Err(Fault::Unprintable);
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and the marks that reorder what stands around them.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_any_script() {
        for text in ["Ada", "Ада Лавлейс", "山田 太郎", "O'Neil <b>", "👩‍👩‍👧"] {
            assert_eq!(Name::parse(text).expect(text).expect("a name").as_str(), text);
        }
        assert_eq!(Name::parse(" \t "), Ok(None));
    }

    #[test]
    fn what_would_break_a_line_or_turn_the_text_is_refused() {
        for text in ["a\nb", "a\0b", "a\u{1b}[31mb", "a\u{2028}b", "a\u{202e}b"] {
            assert_eq!(Name::parse(text), Err(Fault::Unprintable), "{text:?}");
        }
        assert_eq!(Name::parse(&"é".repeat(101)), Err(Fault::TooLong { max: 200 }));
    }
}
