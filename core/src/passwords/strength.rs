//! The check for weak passwords: common ones, the user's own data, the name of the site, keyboard
//! walks and repetitions. It uses lists inside the program and no external service. (NIST SP
//! 800-63B 3.1.1.2; ASVS 5.0 6.1.2, 6.2.4, 6.2.11, 6.2.12.)
//!
//! The estimate comes from zxcvbn, which was written for passwords that people type and not for
//! hostile input. Its input is therefore bounded, in length and in the number of substitutions that
//! it tries, and a panic means that the password is rejected.

use countersign_types::{DisplayName, Email};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zxcvbn::{Score, zxcvbn};

/// Maximum number of characters that are checked. The time grows far more than linearly. For
/// keyboard walks zxcvbn also computes 5^(n - 1) in 64 bits, which overflows above 28 characters.
const MAX_CHECKED_CHARS: usize = 28;
/// Maximum number of letter substitutions that zxcvbn tries. It looks up each in all of its lists.
/// Digits alone reach this number.
const MAX_SUBSTITUTIONS: usize = 16;
/// Maximum number of words from the email address.
const MAX_WORDS: usize = 40;

/// Words of the site, which every attacker tries.
const SITE_WORDS: [&str; 2] = ["countersign", "account"];

/// The symbols that stand for letters, as in zxcvbn.
const LETTER_SYMBOLS: [&str; 12] =
    ["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];

/// Loads the lists. Otherwise the first sign-up would wait for it, and the memory of an idle server
/// would not show the total.
pub(crate) fn warm_up() {
    let _ = zxcvbn(SITE_WORDS[0], &[]);
}

/// Whether an attacker who tries likely passwords first would find this one within a million
/// attempts.
pub(crate) fn is_too_weak(password: &str, email: &Email, name: Option<&DisplayName>) -> bool {
    is_score_too_low(|| estimate(password, email, name))
}

/// Whether the score is too low. A panic counts as too low.
fn is_score_too_low(estimate: impl FnOnce() -> Score) -> bool {
    catch_unwind(AssertUnwindSafe(estimate)).map_or(true, |score| score < Score::Two)
}

/// Estimates the strength. It must not panic.
pub(crate) fn estimate(password: &str, email: &Email, name: Option<&DisplayName>) -> Score {
    let mut words = vec![email.as_str(), email.local_part()];
    words.extend(name.map(DisplayName::as_str));
    words.extend(SITE_WORDS);
    // The parts of the address as well: ada.lovelace, example.
    words.extend(
        email
            .as_str()
            .split(['@', '.', '-', '_', '+'])
            .filter(|part| part.len() > 2)
            .take(MAX_WORDS),
    );
    zxcvbn(&checked(password), &words).score()
}

/// The part of a password that is checked: its beginning, with fewer kinds of symbols if they have
/// too many substitutions.
fn checked(password: &str) -> String {
    let start: String = password.chars().take(MAX_CHECKED_CHARS).collect();
    if substitutions(&start) <= MAX_SUBSTITUTIONS {
        start
    } else {
        start.chars().map(canonical_symbol).collect()
    }
}

/// Upper bound of the substitutions that zxcvbn tries: each letter may be written with one of its
/// symbols, and a symbol that two letters share may stand for either.
fn substitutions(text: &str) -> usize {
    let kinds = LETTER_SYMBOLS
        .iter()
        .map(|symbols| symbols.chars().filter(|symbol| text.contains(*symbol)).count().max(1))
        .product::<usize>();
    let shared = ['1', '|', '7'].iter().filter(|symbol| text.contains(**symbol)).count();
    kinds << shared
}

/// The most common symbol for the same letter: a digit, except for c.
const fn canonical_symbol(symbol: char) -> char {
    match symbol {
        '@' => '4',
        '{' | '[' | '<' => '(',
        '!' | '|' => '1',
        '$' => '5',
        '+' => '7',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*, sample::select};

    fn guessable(text: &str) -> bool {
        is_too_weak(text, &email(), name().as_ref())
    }

    fn email() -> Email {
        Email::parse("ada.lovelace@analytical.example").expect("an address")
    }

    fn name() -> Option<DisplayName> {
        DisplayName::parse("Augusta Byron").expect("a name")
    }

    #[test]
    fn common_password_in_any_case_is_too_weak() {
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
            for written in [
                text.to_owned(),
                text.to_uppercase(),
                format!("{}{}", text[..1].to_uppercase(), &text[1..]),
            ] {
                assert!(guessable(&written), "{written}");
            }
        }
    }

    #[test]
    fn password_from_user_or_site_data_is_too_weak() {
        for text in [
            "ada.lovelace",
            "Ada.Lovelace1",
            "adalovelace",
            "lovelace1",
            "analytical",
            "Analytical1",
            "augusta byron",
            "countersign",
            "Countersign1",
            "countersign123",
        ] {
            assert!(guessable(text), "{text}");
        }
    }

    #[test]
    fn strong_password_needs_no_character_classes() {
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
    fn long_password_is_rated_by_its_beginning() {
        assert!(guessable(&"a".repeat(1024)));
        assert!(!guessable(&format!("{}{}", "x9 torrent of glass ", "a".repeat(1000))));
    }

    #[test]
    fn password_is_too_weak_when_estimate_panics() {
        assert!(is_score_too_low(|| panic!("a library panics")));
        assert!(is_score_too_low(|| Score::One) && !is_score_too_low(|| Score::Two));
    }

    #[test]
    fn keyboard_walk_of_any_length_is_too_weak() {
        for walk in ["12", "qw", "aoe", "/*-", "147"] {
            for times in (32 / walk.len()..40).chain([1024 / walk.len()]) {
                assert!(guessable(&walk.repeat(times)), "{walk} {times} times");
            }
        }
    }

    /// The number of substitutions, enumerated as in zxcvbn.
    fn enumerated(text: &str) -> usize {
        let mut substitutions: Vec<Vec<(char, usize)>> = vec![Vec::new()];
        for (letter, symbols) in LETTER_SYMBOLS.iter().enumerate() {
            let symbols: Vec<_> = symbols.chars().filter(|symbol| text.contains(*symbol)).collect();
            if symbols.is_empty() {
                continue;
            }
            substitutions = symbols
                .into_iter()
                .flat_map(|symbol| {
                    substitutions.iter().flat_map(move |reading| {
                        let with = |mut rest: Vec<(char, usize)>| {
                            rest.push((symbol, letter));
                            rest
                        };
                        match reading.iter().position(|(taken, _)| *taken == symbol) {
                            Some(at) => {
                                let mut other = reading.clone();
                                other.remove(at);
                                vec![reading.clone(), with(other)]
                            }
                            None => vec![with(reading.clone())],
                        }
                    })
                })
                .collect();
        }
        substitutions.len()
    }

    #[test]
    fn many_symbols_cause_few_substitutions() {
        let all = "4@8({[<3691!|70$5+%2";
        assert_eq!(enumerated(all), 800);
        assert!(enumerated(&checked(all)) <= MAX_SUBSTITUTIONS);
        assert_eq!(checked("p@$$w0rd!"), "p@$$w0rd!");
        assert_eq!(checked("0123456789"), "0123456789");
    }

    /// Text that is likely to be hard for an estimator: keyboard walks, repetitions, dates, letters
    /// written as symbols, and any other text.
    fn hard() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            (
                select(vec![
                    "12",
                    "1236987410",
                    "qwertyuiop",
                    "zaq1",
                    "!QAZ",
                    "poiuyt",
                    "aoeu",
                    "147",
                    "+-*/"
                ]),
                1..40_usize
            )
                .prop_map(|(walk, times)| walk.repeat(times)),
            ("\\PC{1,12}", 1..90_usize).prop_map(|(text, times)| text.repeat(times)),
            "[0-9]{1,4}[-/._ ]?[0-9]{1,2}[-/._ ]?[0-9]{1,4}",
            r"[4@8({\[<3691!|70$5+%2a-zA-Z]{1,40}",
            select(vec![
                "password",
                "lovelace",
                "Analytical",
                "drowssap",
                "\u{130}\u{df}\u{1e9e}",
                "\u{1f511}",
                "\0\n\r\t"
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        collection::vec(piece, 1..8).prop_map(|pieces| {
            let mut text = pieces.concat();
            text.truncate((0..=1024).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0));
            text
        })
    }

    proptest! {
        #[test]
        fn any_password_is_rated_in_bounded_work(text in hard()) {
            let checked = checked(&text);
            prop_assert!(checked.chars().count() <= MAX_CHECKED_CHARS);
            prop_assert!(enumerated(&checked) <= substitutions(&checked));
            prop_assert!(substitutions(&checked) <= MAX_SUBSTITUTIONS);
        }

        #[test]
        fn any_password_is_rated_without_panic(text in hard()) {
            let _ = estimate(&text, &email(), name().as_ref());
        }
    }
}
