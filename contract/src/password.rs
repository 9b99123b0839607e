//! The password: how long it may be, and that it is never shown. (NIST SP 800-63B 3.1.1.2; ASVS 5.0 6.2.1, 6.2.5, 6.2.8, 6.2.9.)

use crate::{Email, Fault};
use std::fmt;

/// The fewest bytes of a new password.
pub const MIN: u16 = 8;
/// The most bytes of any password: a limit on work, far above what people type.
pub const MAX: u16 = 1024;

/// The exact bytes that were typed: nothing is trimmed, folded or normalised.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// For a password that is being set. There are no rules about the kinds of characters.
    pub fn new(text: &str, email: Option<&Email>) -> Result<Self, Fault> {
        let password = Self::given(text)?;
        if text.len() < usize::from(MIN) {
            return Err(Fault::TooShort { min: MIN });
        }
        if email.is_some_and(|email| text.eq_ignore_ascii_case(email.as_str()) || text.eq_ignore_ascii_case(email.local())) {
            return Err(Fault::LikeEmail);
        }
        Ok(password)
    }

    /// For a password that is compared with a stored one: whatever it is, if it is too short it is merely wrong.
    pub fn given(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::Missing);
        }
        if text.len() > usize::from(MAX) {
            return Err(Fault::TooLong { max: MAX });
        }
        Ok(Self(text.to_owned()))
    }

    /// The bytes to hash. Do not log, store or send them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    #[test]
    fn length_is_the_only_rule_and_counts_bytes() {
        assert_eq!(Password::new("", None), Err(Fault::Missing));
        assert_eq!(Password::new("1234567", None), Err(Fault::TooShort { min: 8 }));
        assert_eq!(Password::new(&"x".repeat(1025), None), Err(Fault::TooLong { max: 1024 }));
        for text in ["12345678", "correct horse battery", " leading and trailing ", "päßwörd", "\0\0\0\0\0\0\0\0", &"x".repeat(1024)] {
            assert_eq!(Password::new(text, None).expect(text).expose(), text.as_bytes());
        }
    }

    #[test]
    fn the_own_address_is_no_password() {
        let email = Email::parse("ada.lovelace@example.com").expect("an address");
        for text in ["ada.lovelace@example.com", "Ada.Lovelace@example.com", "ADA.LOVELACE"] {
            assert_eq!(Password::new(text, Some(&email)), Err(Fault::LikeEmail), "{text}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", Password::given("hunter2hunter2")).contains("hunter"));
    }

    /// Any characters of Unicode, of all kinds.
    fn text() -> impl Strategy<Value = String> {
        collection::vec(any::<char>(), 0..300).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn whatever_the_characters_only_the_length_counts_and_every_byte_is_kept(text in text()) {
            let (length, given, new) = (text.len(), Password::given(&text), Password::new(&text, None));
            prop_assert_eq!(given.is_ok(), (1..=1024).contains(&length), "{:?}", given);
            prop_assert_eq!(new.is_ok(), (8..=1024).contains(&length), "{:?}", new);
            for password in [given, new].into_iter().flatten() {
                prop_assert_eq!(password.expose(), text.as_bytes());
            }
        }
    }
}
