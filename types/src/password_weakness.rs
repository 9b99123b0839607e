//! Why a password is easy to guess. Browser and server find patterns in the same way
//! ([`PasswordWeakness::pattern`]), so that the hint in the browser is what the server would say.
//! Only the server has the word lists.
//!
//! Each reason is declared once, in the table below: with a comment, its stable name and the text
//! for users.

use crate::Message;

macro_rules! password_weaknesses {
    ($($(#[$doc:meta])* $reason:ident = $name:literal, $text:literal;)*) => {
        /// Why a password is easy to guess.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PasswordWeakness {
            $($(#[$doc])* $reason,)*
        }

        impl PasswordWeakness {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$reason),*];

            /// Name and text of each reason, in the order of [`Self::ALL`].
            const TEXTS: &[(&'static str, Message)] = &[$(($name, Message::new($text))),*];
        }
    };
}

password_weaknesses! {
    /// A common password, or one like it.
    Common = "common", "Too common. Choose another password.";
    /// One character or one text, again and again.
    Repeated = "repeated", "Don't repeat characters or words.";
    /// Neighbouring keys.
    Keyboard = "keyboard", "Don't use keys in a row.";
    /// Letters or digits in their order, such as `abcdef` or `6543`.
    Sequence = "sequence", "Don't use rows such as abcd or 4321.";
    /// A date or a year.
    Date = "date", "Don't use a date or a year.";
    /// A word and little else.
    Word = "word", "Use more than one word.";
    /// A first name or a surname.
    PersonName = "person_name", "Don't use only a person's name.";
    /// The display name of the user.
    OwnName = "own_name", "Don't use your name.";
    /// The email address of the user, or a part of it.
    OwnEmail = "own_email", "Don't use your email address.";
    /// A word of this site.
    SiteName = "site_name", "Don't use the name of this site.";
    /// Another reason.
    Other = "other", "Too easy to guess. Choose another.";
}

/// Maximum number of bytes that are repeated. A longer text may be a good password.
const MAX_PERIOD: usize = 8;
/// Neighbouring keys of a keyboard, row by row.
const KEYS: &str = "qwertyuiop[] asdfghjkl;' zxcvbnm,./";

impl PasswordWeakness {
    /// Returns the pattern that the whole password follows: one short text again and again, or at
    /// most two rows of keys, letters or digits, forward or backward.
    #[must_use]
    pub fn pattern(password: &str) -> Option<Self> {
        let text = password.as_bytes();
        let at = |index: usize| text.get(index).map_or(0, u8::to_ascii_lowercase);
        let repeats_after = |period| (period..text.len()).all(|i| at(i) == at(i - period));
        if (1..=MAX_PERIOD.min(text.len() / 2)).any(repeats_after) {
            return Some(Self::Repeated);
        }
        let key = |byte| KEYS.bytes().position(|key| key == byte);
        let are_neighbours = |one, other| {
            key(one).zip(key(other)).is_some_and(|(one, other)| one.abs_diff(other) == 1)
        };
        // Steps in a row of letters, digits or keys; one other step may lead to a second row.
        let (mut sequences, mut others) = (0, 0);
        for index in 1..text.len() {
            let (before, byte) = (at(index - 1), at(index));
            if before.abs_diff(byte) == 1 {
                sequences += 1;
            } else if !are_neighbours(before, byte) {
                others += 1;
            }
        }
        if text.len() < 5 || others > 1 {
            None
        } else if 2 * sequences > text.len() {
            Some(Self::Sequence)
        } else {
            Some(Self::Keyboard)
        }
    }

    /// Returns the stable name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::TEXTS[self as usize].0
    }

    /// Returns the reason with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.name() == name)
    }

    /// Returns the cure for users, which implies the reason. At most 36 characters, as
    /// [`crate::FieldError::message`].
    #[must_use]
    pub const fn message(self) -> Message {
        Self::TEXTS[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn pattern_of_a_whole_password_is_found() {
        use PasswordWeakness as Reason;
        for (text, pattern) in [
            ("aaaaaaaa", Some(Reason::Repeated)),
            ("PasswordpassworD", Some(Reason::Repeated)),
            ("abcabcab", Some(Reason::Repeated)),
            ("äöüäöüäöü", Some(Reason::Repeated)),
            ("qwertyui", Some(Reason::Keyboard)),
            ("rtyuiop[]", Some(Reason::Keyboard)),
            ("QwertyuiopAsdfgh", Some(Reason::Keyboard)),
            ("lkjhgfdsa", Some(Reason::Keyboard)),
            ("12345678", Some(Reason::Sequence)),
            ("87654321", Some(Reason::Sequence)),
            ("abcd1234", Some(Reason::Sequence)),
            ("abcdefghijklmnop", Some(Reason::Sequence)),
            ("horse7!yhorse7!y", Some(Reason::Repeated)),
            ("horse7!yahorse7!ya", None),
            ("", None),
            ("a", None),
            ("ab12", None),
            ("password", None),
            ("abcd1234x", None),
            ("correct horse battery", None),
            ("passwordpasswort", None),
            ("fedora qwerty 9876", None),
            ("\u{1f511}\u{1f40b}\u{1f9f5}\u{1f33e}", None),
        ] {
            assert_eq!(PasswordWeakness::pattern(text), pattern, "{text}");
        }
    }

    #[test]
    fn each_weakness_has_its_own_name_and_text() {
        let names: HashSet<_> = PasswordWeakness::ALL.iter().map(|reason| reason.name()).collect();
        let texts: HashSet<_> =
            PasswordWeakness::ALL.iter().map(|reason| reason.message()).collect();
        assert_eq!(names.len(), PasswordWeakness::ALL.len());
        assert_eq!(texts.len(), PasswordWeakness::ALL.len());
        for (index, reason) in PasswordWeakness::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index, "{reason:?}");
            assert_eq!(PasswordWeakness::from_name(reason.name()), Some(*reason));
        }
        assert_eq!(PasswordWeakness::from_name(""), None);
    }
}
