//! The forms of a password that are hashed: normalised, so that the composition of characters by
//! the keyboard does not matter (RFC 8265, 4.2.2, the rules of `OpaqueString`), and as typed, for
//! older hashes.
//!
//! Characters that the profile disallows (control characters, unassigned code points) are accepted
//! here, because a password is only compared.

use countersign_types::Password;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

/// A password, ready to be hashed.
pub(super) struct NormalizedPassword {
    /// The text in normalization form C, with all spaces as U+0020.
    pub(super) normalized: Zeroizing<String>,
    /// The text as typed, if it differs.
    pub(super) typed: Option<Password>,
}

impl NormalizedPassword {
    pub(super) fn new(password: Password) -> Self {
        let text = password.expose();
        if text.is_ascii() || is_nfc(text) && !text.contains(is_other_space) {
            return Self { normalized: Zeroizing::new(text.to_owned()), typed: None };
        }
        // The maximum length is reserved, so that no copy is left behind by a reallocation.
        let mut normalized = Zeroizing::new(String::with_capacity(MAX_EXPANSION * text.len()));
        normalized
            .extend(text.chars().map(|char| if is_other_space(char) { ' ' } else { char }).nfc());
        let differs = normalized.as_str() != text;
        Self { normalized, typed: differs.then_some(password) }
    }
}

/// Normalization form C is at most three times as long in UTF-8 (UAX #15).
const MAX_EXPANSION: usize = 3;

/// Spaces (category Zs) other than U+0020.
const fn is_other_space(char: char) -> bool {
    matches!(
        char,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normalized(text: &str) -> String {
        NormalizedPassword::new(Password::for_verification(text).expect("a password"))
            .normalized
            .to_string()
    }

    /// RFC 8265, 4.3, and UAX #15.
    #[test]
    fn spaces_and_composition_are_normalized() {
        for (typed, expected) in [
            ("correct horse battery staple", "correct horse battery staple"),
            ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
            ("\u{3c0}\u{df}\u{e5}", "\u{3c0}\u{df}\u{e5}"),
            ("Jack of \u{2666}s", "Jack of \u{2666}s"),
            ("foo\u{1680}bar", "foo bar"),
            ("foo\u{3000}\u{a0}bar", "foo  bar"),
            ("cafe\u{301} noir", "caf\u{e9} noir"),
            ("\u{212b}ngstr\u{f6}m", "\u{c5}ngstr\u{f6}m"),
            ("\u{1100}\u{1161}\u{11a8}", "\u{ac01}"),
            // Compatibility characters (NFC, not NFKC) and unassigned code points stay.
            ("\u{fb01}le \u{ff11}", "\u{fb01}le \u{ff11}"),
            ("tab\tnull\0\u{10ffff}", "tab\tnull\0\u{10ffff}"),
        ] {
            assert_eq!(normalized(typed), expected);
            let forms =
                NormalizedPassword::new(Password::for_verification(typed).expect("a password"));
            assert_eq!(forms.typed.is_some(), typed != expected, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent_and_bounded(text in "\\PC{1,300}") {
            prop_assume!(text.len() <= usize::from(countersign_types::password::MAX_BYTES));
            let once = normalized(&text);
            prop_assert!(once.len() <= MAX_EXPANSION * text.len());
            prop_assert_eq!(once.nfc().collect::<String>(), once);
        }
    }
}
