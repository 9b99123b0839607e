//! Why a password is easy to guess. Only the server finds out: it has the word lists.
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

impl PasswordWeakness {
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
