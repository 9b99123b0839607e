//! Passwords that are tried first: common ones, the owner's own words and ours, keyboard rows, repetitions. Judged on this machine, from lists that
//! are inside the program; nothing is asked of anybody. (NIST SP 800-63B 3.1.1.2; ASVS 5.0 6.1.2, 6.2.4, 6.2.11, 6.2.12.)

use contract::{Email, Name, Password};
use zxcvbn::{Score, zxcvbn};

/// The rest of a longer one is not looked at: judging takes far longer than linearly, and some can be made to take very long.
const LOOKED_AT: usize = 32;

/// Words that are no secret here, whoever somebody is.
const OURS: [&str; 2] = ["latchkey", "account"];

/// Reads the lists, once: else the first sign-up would wait for it, and what a server holds at rest would not be all that it holds.
pub(crate) fn prepare() {
    let _any = zxcvbn(OURS[0], &[]);
}

/// Whether somebody who tries the likely ones first comes to this one within a million tries.
pub(crate) fn is_guessable(password: &Password, email: &Email, name: Option<&Name>) -> bool {
    let text = String::from_utf8_lossy(password.expose());
    let start: String = text.chars().take(LOOKED_AT).collect();
    let mut words = vec![email.as_str(), email.local()];
    words.extend(name.map(Name::as_str));
    words.extend(OURS);
    // Parts of the address, too: ada.lovelace, example.
    words.extend(email.as_str().split(['@', '.', '-', '_', '+']).filter(|part| part.len() > 2));
    zxcvbn(&start, &words).score() < Score::Two
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessable(text: &str) -> bool {
        let email = Email::parse("ada.lovelace@analytical.example").expect("an address");
        let name = Name::parse("Augusta Byron").expect("a name");
        is_guessable(&Password::new(text, None).expect("a password"), &email, name.as_ref())
    }

    #[test]
    fn what_many_people_use_is_refused_in_any_case() {
        for text in [
            "password",
            "12345678",
            "123456789",
            "qwertyuiop",
            "iloveyou",
            "sunshine",
            "princess",
            "football",
            "baseball",
            "trustno1",
            "starwars",
            "superman",
            "password1",
            "passw0rd",
            "letmein1",
            "1q2w3e4r",
            "1qaz2wsx",
            "qwerty123",
            "abcd1234",
            "11111111",
            "asdfghjkl",
            "zaq12wsx",
            "michelle",
            "jennifer",
            "computer",
            "whatever",
            "dragon12",
            "mustang1",
            "corvette",
            "internet",
            "monkey12",
            "charlie1",
            "welcome1",
            "aaaaaaaaaaaaaaaa",
            "88888888",
            "87654321",
            "87654321",
            "00000000",
            "password123",
            "qwertyui",
            "administrator",
            "changeme",
            "liverpool",
            "chocolate",
        ] {
            for written in [text.to_owned(), text.to_uppercase(), format!("{}{}", text[..1].to_uppercase(), &text[1..])] {
                assert!(guessable(&written), "{written}");
            }
        }
    }

    #[test]
    fn what_is_known_of_its_owner_and_of_us_is_refused() {
        for text in
            ["ada.lovelace", "Ada.Lovelace1", "adalovelace", "lovelace1", "analytical", "Analytical1", "augusta byron", "latchkey", "Latchkey1", "latchkey123"]
        {
            assert!(guessable(text), "{text}");
        }
    }

    #[test]
    fn there_are_no_rules_about_the_kinds_of_characters() {
        for text in [
            "correct horse battery",
            "quiet river under stones",
            "kx7#mq2!vd",
            "nine sleepy walruses",
            "Zwölf Boxkämpfer jagen",
            "\u{1f511}\u{1f40b}\u{1f9f5}\u{1f33e}\u{1f6f6}\u{1f9c2}\u{1f3d4}\u{1f9ed}\u{1f4ef}",
            "cbe5d0ff7b21",
        ] {
            assert!(!guessable(text), "{text}");
        }
    }

    #[test]
    fn the_longest_one_is_judged_by_its_beginning() {
        assert!(guessable(&"a".repeat(1024)));
        assert!(!guessable(&format!("{}{}", "x9 torrent of glass ", "a".repeat(1000))));
    }
}
