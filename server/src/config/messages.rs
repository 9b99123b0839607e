//! The file in which the operator replaces messages: TOML, with the English text as key.
//!
//! ```toml
//! "Log in to {product}" = "Sign in to {product}"
//! ```

use super::{brand::read_file, value::SettingValue};
use crate::messages::catalog;
use countersign_types::{Message, message::split_placeholder};
use std::{collections::BTreeSet, path::PathBuf};

/// Maximum size of the file, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Maximum number of characters of a replacement.
const MAX_CHARS: usize = 600;

/// Replacements of messages.
#[derive(Clone)]
pub(super) struct MessagesFile {
    path: PathBuf,
    /// Messages with their replacements.
    pub(super) replacements: Vec<(Message, String)>,
}

impl SettingValue for MessagesFile {
    type Bounds = ();

    fn parse(path: &str, (): &()) -> Result<Self, String> {
        let text = String::from_utf8(read_file(path, MAX_BYTES)?)
            .map_err(|_| "names a file that is not UTF-8")?;
        Ok(Self { path: path.into(), replacements: parse(&text)? })
    }

    fn to_text(&self) -> String {
        self.path.to_text()
    }
}

/// Parses the file. The error continues the name of the setting.
fn parse(text: &str) -> Result<Vec<(Message, String)>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("names a file that is not TOML: line {line}: {}", error.message())
    })?;
    let known: BTreeSet<Message> = catalog().into_iter().flat_map(|group| group.messages).collect();
    let mut replacements = Vec::new();
    for (english, value) in &table {
        let Some(message) = known.iter().find(|message| message.english() == english) else {
            return Err(unknown(english, &known));
        };
        let replacement = value.as_str().ok_or_else(|| {
            format!("names a file in which the value of \"{english}\" is not a text in quotes")
        })?;
        check(english, replacement).map_err(|problem| {
            format!("names a file in which the replacement of \"{english}\" {problem}")
        })?;
        // The output of `countersign messages` has all lines.
        if replacement != english {
            replacements.push((*message, replacement.to_owned()));
        }
    }
    Ok(replacements)
}

/// Returns the error for a text that is no message.
fn unknown(text: &str, known: &BTreeSet<Message>) -> String {
    const MAX_SHOWN: usize = 200;
    let shown: String = text.chars().take(MAX_SHOWN).collect();
    let nearest = known
        .iter()
        .map(|message| (strsim::normalized_damerau_levenshtein(&shown, message.english()), message))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(similarity, _)| *similarity > 0.5);
    let hint = nearest.map_or_else(
        || "`countersign messages` prints all".to_owned(),
        |(_, message)| format!("did you mean \"{}\"?", message.english()),
    );
    format!("names a file with \"{shown}\", which is not a message of this version; {hint}")
}

/// Checks a replacement. The error continues it.
fn check(english: &str, replacement: &str) -> Result<(), String> {
    if replacement.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if replacement.chars().any(char::is_control) {
        return Err("contains a line break or another control character".to_owned());
    }
    if replacement.chars().count() > MAX_CHARS {
        return Err(format!("is longer than {MAX_CHARS} characters"));
    }
    let (expected, mut found) = (placeholders(english), placeholders(replacement));
    for name in expected {
        let at = found.iter().position(|other| *other == name);
        found.swap_remove(at.ok_or_else(|| format!("lacks the placeholder {{{name}}}"))?);
    }
    match found.first() {
        None => Ok(()),
        Some(name) => Err(format!("has a placeholder too many: {{{name}}}")),
    }
}

/// Returns the names of the placeholders.
fn placeholders(mut text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some((_, name, after)) = split_placeholder(text) {
        names.push(name);
        text = after;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacement_is_found_by_the_english_text() {
        let replacements = parse("\"Log in to {product}\" = \"Sign in to {product}\"\n# a comment");
        let expected = (Message::new("Log in to {product}"), "Sign in to {product}".to_owned());
        assert_eq!(replacements, Ok(vec![expected]));
        assert_eq!(parse(""), Ok(Vec::new()));
        assert_eq!(parse("\"Log in\" = \"Log in\""), Ok(Vec::new()));
    }

    #[test]
    fn printed_file_is_accepted_and_changes_nothing() {
        let printed = crate::messages::to_toml();
        assert!(printed.lines().count() > 300);
        assert!(printed.len() < MAX_BYTES);
        assert_eq!(parse(&printed), Ok(Vec::new()));
    }

    #[test]
    fn invalid_file_gets_an_error_that_names_the_cure() {
        for (text, expected) in [
            ("\"Log in too {product}\" = \"x\"", "did you mean \"Log in to {product}\"?"),
            ("\"Anything else at all\" = \"x\"", "`countersign messages` prints all"),
            ("\"Log in\" = 1", "\"Log in\" is not a text in quotes"),
            ("\"Log in\" = \" \"", "\"Log in\" is empty"),
            ("\"Log in\" = \"a\\nb\"", "a line break or another control character"),
            ("\"Log in\" = \"{product}\"", "has a placeholder too many: {product}"),
            ("\"Log in to {product}\" = \"Sign in\"", "lacks the placeholder {product}"),
            (
                "\"Log in to {product}\" = \"{product}, {product}\"",
                "has a placeholder too many: {product}",
            ),
            ("\"Log in\" = \"a\"\n\"Log in\" = \"b\"", "line 2: duplicate key"),
            ("\n\nLog in = 1", "line 3: "),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let long = format!("\"Log in\" = \"{}\"", "a".repeat(MAX_CHARS + 1));
        assert!(parse(&long).is_err_and(|error| error.contains("longer than 600 characters")));
        let longest = format!("\"Log in\" = \"{}\"", "a".repeat(MAX_CHARS));
        assert!(parse(&longest).is_ok());
    }
}
