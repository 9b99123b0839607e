//! Passwords that are tried first: common ones, the owner's own words and ours, keyboard rows,
//! repetitions. Judged on this machine, from lists that are inside the program; nothing is asked of
//! anybody. (NIST SP 800-63B 3.1.1.2; ASVS 5.0 6.1.2, 6.2.4, 6.2.11, 6.2.12.)
//!
//! The estimate is made by zxcvbn, which was written for what a person types and not for what an
//! attacker sends. So what it is given is bounded, in length and in the number of readings that it
//! tries, and a panic of it means that the password is refused.

use countersign_types::{Email, Name};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zxcvbn::{Score, zxcvbn};

/// The most characters that are judged. The rest of a longer password is not looked at: the time
/// grows far more than linearly. And for keyboard walks zxcvbn counts 5^(n - 1) in 64 bits, which
/// have room for it up to 28 characters.
const MAX_JUDGED_CHARS: usize = 28;
/// The most readings of a text in which symbols stand for letters. zxcvbn looks each up in all of
/// its lists. Digits alone have as many.
const MAX_READINGS: usize = 16;
/// The most words of the owner's address that count as known.
const MAX_WORDS: usize = 40;

/// Words that are no secret here, whoever somebody is.
const OURS: [&str; 2] = ["countersign", "account"];

/// The symbols that stand for letters, as zxcvbn has them.
const SYMBOLS_OF_LETTERS: [&str; 12] =
    ["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];

/// Reads the lists, once: else the first sign-up would wait for it, and what a server holds at rest
/// would not be all that it holds.
pub(crate) fn prepare() {
    let _any = zxcvbn(OURS[0], &[]);
}

/// Whether somebody who tries the likely ones first comes to this one within a million tries.
pub(crate) fn is_guessable(password: &str, email: &Email, name: Option<&Name>) -> bool {
    is_too_weak(|| estimate(password, email, name))
}

/// A password that cannot be judged is too weak.
fn is_too_weak(estimate: impl FnOnce() -> Score) -> bool {
    catch_unwind(AssertUnwindSafe(estimate)).map_or(true, |score| score < Score::Two)
}

/// The estimate itself, which is not to panic.
pub(crate) fn estimate(password: &str, email: &Email, name: Option<&Name>) -> Score {
    let mut words = vec![email.as_str(), email.local()];
    words.extend(name.map(Name::as_str));
    words.extend(OURS);
    // Parts of the address, too: ada.lovelace, example.
    words.extend(
        email
            .as_str()
            .split(['@', '.', '-', '_', '+'])
            .filter(|part| part.len() > 2)
            .take(MAX_WORDS),
    );
    zxcvbn(&judged(password), &words).score()
}

/// What is judged of a password: its beginning, with fewer kinds of symbols where these have too
/// many readings.
fn judged(password: &str) -> String {
    let start: String = password.chars().take(MAX_JUDGED_CHARS).collect();
    if readings(&start) <= MAX_READINGS { start } else { start.chars().map(plainer).collect() }
}

/// How many readings zxcvbn tries at most: each letter may be written with one of its symbols, and
/// of two letters with the same one either may be.
fn readings(text: &str) -> usize {
    let kinds = SYMBOLS_OF_LETTERS
        .iter()
        .map(|symbols| symbols.chars().filter(|symbol| text.contains(*symbol)).count().max(1))
        .product::<usize>();
    let shared = ['1', '|', '7'].iter().filter(|symbol| text.contains(**symbol)).count();
    kinds << shared
}

/// The symbol that is most often written for the same letter: a digit, but for c.
const fn plainer(symbol: char) -> char {
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
        is_guessable(text, &email(), name().as_ref())
    }

    fn email() -> Email {
        Email::parse("ada.lovelace@analytical.example").expect("an address")
    }

    fn name() -> Option<Name> {
        Name::parse("Augusta Byron").expect("a name")
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
    fn what_is_known_of_its_owner_and_of_us_is_refused() {
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

    #[test]
    fn password_that_cannot_be_judged_is_too_weak() {
        assert!(is_too_weak(|| panic!("a library panics")));
        assert!(is_too_weak(|| Score::One) && !is_too_weak(|| Score::Two));
    }

    #[test]
    fn walk_to_and_fro_of_any_length_is_too_weak() {
        for walk in ["12", "qw", "aoe", "/*-", "147"] {
            for times in (32 / walk.len()..40).chain([1024 / walk.len()]) {
                assert!(guessable(&walk.repeat(times)), "{walk} {times} times");
            }
        }
    }

    /// As zxcvbn enumerates them.
    fn enumerated(text: &str) -> usize {
        let mut readings: Vec<Vec<(char, usize)>> = vec![Vec::new()];
        for (letter, symbols) in SYMBOLS_OF_LETTERS.iter().enumerate() {
            let symbols: Vec<_> = symbols.chars().filter(|symbol| text.contains(*symbol)).collect();
            if symbols.is_empty() {
                continue;
            }
            readings = symbols
                .into_iter()
                .flat_map(|symbol| {
                    readings.iter().flat_map(move |reading| {
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
        readings.len()
    }

    #[test]
    fn many_symbols_are_judged_in_few_readings() {
        let all = "4@8({[<3691!|70$5+%2";
        assert_eq!(enumerated(all), 800);
        assert!(enumerated(&judged(all)) <= MAX_READINGS);
        assert_eq!(judged("p@$$w0rd!"), "p@$$w0rd!");
        assert_eq!(judged("0123456789"), "0123456789");
    }

    /// Whatever is likely to be hard for an estimator: chains of neighbouring keys, repetitions,
    /// dates, letters written as symbols, and any text.
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
        fn any_password_is_judged_in_bounded_work(text in hard()) {
            let judged = judged(&text);
            prop_assert!(judged.chars().count() <= MAX_JUDGED_CHARS && enumerated(&judged) <= readings(&judged) && readings(&judged) <= MAX_READINGS);
        }

        #[test]
        fn any_password_is_judged_without_a_panic(text in hard()) {
            let _score = estimate(&text, &email(), name().as_ref());
        }
    }
}
