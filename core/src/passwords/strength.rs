//! The check for weak passwords: common ones, the user's own data, the name of the site, keyboard
//! walks and repetitions. It uses lists inside the program and no external service. (NIST SP
//! 800-63B 3.1.1.2; ASVS 5.0 6.1.2, 6.2.4, 6.2.11, 6.2.12.)
//!
//! The estimate comes from zxcvbn, which was written for passwords that people type and not for
//! hostile input. Its input is therefore bounded, in length and in the number of substitutions that
//! it tries, and a panic means that the password is rejected.

use crate::Error;
use countersign_types::{DisplayName, Email, Field, FieldError, FieldErrors, PasswordWeakness};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zxcvbn::{Entropy, Score, feedback::Warning, matching::patterns::MatchPattern, zxcvbn};

/// Maximum number of characters that are checked. The time grows far more than linearly. For
/// keyboard walks zxcvbn also computes 5^(n - 1) in 64 bits, which overflows above 28 characters.
const MAX_CHECKED_CHARS: usize = 28;
/// Maximum number of letter substitutions that zxcvbn tries. It looks up each in all of its lists.
/// Digits alone reach this number.
const MAX_SUBSTITUTIONS: usize = 16;
/// Maximum number of words from the email address, and from the display name.
const MAX_WORDS: usize = 40;

/// Words of the site, which every attacker tries.
const SITE_WORDS: [&str; 2] = ["countersign", "account"];

/// Passphrases that every attacker tries, in letters only. zxcvbn rates them by their words.
const KNOWN_PASSPHRASES: &[&str] = &[
    "allyourbasearebelongtous",
    "alwayslookonthebrightsideoflife",
    "correcthorsebatterystaple",
    "elementarymydearwatson",
    "inthebeginningwastheword",
    "keepcalmandcarryon",
    "livelongandprosper",
    "loremipsumdolorsitamet",
    "maytheforcebewithyou",
    "mynameisinigomontoya",
    "nevergonnagiveyouup",
    "onceuponatime",
    "onesmallstepforman",
    "thequickbrownfox",
    "thequickbrownfoxjumpsoverthelazydog",
    "tobeornottobe",
    "tobeornottobethatisthequestion",
    "winteriscoming",
    "youshallnotpass",
];

/// The symbols that stand for letters, as in zxcvbn.
const LETTER_SYMBOLS: [&str; 12] =
    ["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];

/// Loads the lists. Otherwise the first sign-up would wait for it, and the memory of an idle server
/// would not show the total.
pub(crate) fn warm_up() {
    let _ = zxcvbn(SITE_WORDS[0], &[]);
}

/// Returns the error for a new password in this field that is too weak.
pub(crate) fn too_weak(field: Field) -> impl FnOnce(PasswordWeakness) -> Error {
    move |weakness| FieldErrors::from((field, FieldError::TooWeak(weakness))).into()
}

/// Returns why an attacker who tries likely passwords first would find this one within a million
/// attempts, or `None` if it is strong enough.
pub(crate) fn weakness(
    password: &str,
    email: &Email,
    name: Option<&DisplayName>,
) -> Option<PasswordWeakness> {
    weakness_unless_panic(|| find_weakness(password, email, name))
}

/// Returns the result of `find`. A panic counts as too weak.
fn weakness_unless_panic(
    find: impl FnOnce() -> Option<PasswordWeakness>,
) -> Option<PasswordWeakness> {
    catch_unwind(AssertUnwindSafe(find)).unwrap_or(Some(PasswordWeakness::Other))
}

/// Returns why the password is weak, or `None`. May panic inside zxcvbn.
pub(crate) fn find_weakness(
    password: &str,
    email: &Email,
    name: Option<&DisplayName>,
) -> Option<PasswordWeakness> {
    // First, so that the reason is the one that the browser has shown.
    if let Some(pattern) = PasswordWeakness::pattern(password) {
        return Some(pattern);
    }
    if is_known_passphrase(password) {
        return Some(PasswordWeakness::Common);
    }
    let known = KnownWords::new(email, name);
    let words: Vec<_> = known.0.iter().map(|(word, _)| word.as_str()).collect();
    let entropy = zxcvbn(&checked(password), &words);
    (entropy.score() < Score::Two).then(|| reason(&entropy, &known))
}

/// Maximum number of characters, such as digits and accents, that don't make a known passphrase
/// another one.
const MAX_ADDED_CHARS: usize = 4;

/// Returns whether the ASCII letters of a password are a known passphrase, and little is added.
fn is_known_passphrase(password: &str) -> bool {
    let is_separator = |c: char| c.is_whitespace() || c.is_ascii_punctuation();
    let added = password.chars().filter(|c| !c.is_ascii_alphabetic() && !is_separator(*c)).count();
    if added > MAX_ADDED_CHARS {
        return false;
    }
    let letters: String = password
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    KNOWN_PASSPHRASES.contains(&letters.as_str())
}

/// Words that an attacker tries first for one account, in lower case, and what they are. The first
/// meaning of a word counts.
struct KnownWords(Vec<(String, PasswordWeakness)>);

impl KnownWords {
    fn new(email: &Email, name: Option<&DisplayName>) -> Self {
        let address = [email.as_str(), email.local_part()];
        // The parts as well: ada.lovelace, example.
        let parts = email.as_str().split(['@', '.', '-', '_', '+']);
        let parts = parts.filter(|part| part.len() > 2).take(MAX_WORDS);
        let name = name.map(DisplayName::as_str).unwrap_or_default();
        let names = name.split_whitespace().filter(|part| part.len() > 2).take(MAX_WORDS);
        let names = Some(name).filter(|name| !name.is_empty()).into_iter().chain(names);
        let with = |reason| move |word: &str| (word.to_lowercase(), reason);
        Self(
            names
                .map(with(PasswordWeakness::OwnName))
                .chain(address.into_iter().chain(parts).map(with(PasswordWeakness::OwnEmail)))
                .chain(SITE_WORDS.into_iter().map(with(PasswordWeakness::SiteName)))
                .collect(),
        )
    }

    fn meaning(&self, word: &str) -> Option<PasswordWeakness> {
        self.0.iter().find(|(known, _)| known == word).map(|(_, reason)| *reason)
    }
}

/// Returns why a password is weak: because of its longest part, as in zxcvbn, which says nothing
/// about the words that it is given.
fn reason(entropy: &Entropy, known: &KnownWords) -> PasswordWeakness {
    use PasswordWeakness as Reason;
    let longest = entropy.sequence().iter().max_by_key(|part| part.token.chars().count());
    if let Some(MatchPattern::Dictionary(found)) = longest.map(|part| &part.pattern)
        && let Some(own) = known.meaning(&found.matched_word)
    {
        return own;
    }
    let Some(warning) = entropy.feedback().and_then(zxcvbn::feedback::Feedback::warning) else {
        return Reason::Other;
    };
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess => Reason::Keyboard,
        Warning::RepeatsLikeAaaAreEasyToGuess
        | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Reason::Repeated,
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => Reason::Common,
        Warning::SequencesLikeAbcAreEasyToGuess => Reason::Sequence,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Reason::Date,
        Warning::AWordByItselfIsEasyToGuess => Reason::Word,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => Reason::PersonName,
    }
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
        weakness(text, &email(), name().as_ref()).is_some()
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
    fn known_passphrase_in_any_spelling_is_too_weak() {
        for text in [
            "correcthorsebatterystaple",
            "correct horse battery staple",
            "Correct-Horse-Battery-Staple",
            "correcthorsebatterystaple1!",
            "To be, or not to be",
            "May the Force be with you!",
        ] {
            assert_eq!(weakness(text, &email(), None), Some(PasswordWeakness::Common), "{text}");
        }
        assert!(!guessable("correct horse battery staple zebra"));
        assert!(!guessable("onceuponatime 84294715530#%&^"));
    }

    #[test]
    fn weak_password_is_refused_with_its_reason() {
        use PasswordWeakness as Reason;
        for (text, reason) in [
            ("password", Reason::Common),
            ("passw0rd", Reason::Common),
            ("passwordpassword", Reason::Repeated),
            ("aaaaaaaaaaaaaaaaaa", Reason::Repeated),
            ("countersigncountersign", Reason::Repeated),
            ("rtyuiop[]", Reason::Keyboard),
            ("abcdefghijkl", Reason::Sequence),
            ("13.04.1987", Reason::Date),
            ("Augusta1", Reason::OwnName),
            ("augusta byron", Reason::OwnName),
            ("lovelace12", Reason::OwnEmail),
            ("ada.lovelace", Reason::OwnEmail),
            ("Countersign1", Reason::SiteName),
        ] {
            assert_eq!(weakness(text, &email(), name().as_ref()), Some(reason), "{text}");
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
        assert_eq!(
            weakness_unless_panic(|| panic!("a library panics")),
            Some(PasswordWeakness::Other)
        );
        assert_eq!(weakness_unless_panic(|| None), None);
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
            let _ = find_weakness(&text, &email(), name().as_ref());
        }
    }
}
