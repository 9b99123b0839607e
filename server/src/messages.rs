//! All messages that the operator can replace: the list of them, and the command that prints it.
//! The file of replacements is read in `config::messages`.

use countersign_core::mail;
use countersign_leptos::{features, messages};
use countersign_types::{
    EventKind, FieldError, Message, Problem,
    message::{self, MessageGroup},
    time::MONTHS,
};
use serde_json::{Value, json};
use std::{collections::HashSet, iter};

/// Messages that belong together.
pub(crate) struct Group {
    /// The subject of the messages.
    pub(crate) title: String,
    pub(crate) messages: Vec<Message>,
}

/// Returns all messages. A message that several groups contain is in the first of them.
pub(crate) fn catalog() -> Vec<Group> {
    let of_module = |group: &MessageGroup| Group {
        title: title(group.module),
        messages: group.messages.to_vec(),
    };
    let mut groups: Vec<_> =
        messages::SHARED.iter().chain(features::MESSAGES).map(of_module).collect();
    for (title, messages) in [
        ("problems", Problem::messages().collect()),
        ("fields with errors", FieldError::messages().collect()),
        ("activity list", EventKind::ALL.iter().map(|kind| kind.message()).collect()),
        ("months", MONTHS.to_vec()),
        ("emails", mail::MESSAGES.messages.to_vec()),
    ] {
        groups.push(Group { title: title.to_owned(), messages });
    }
    let mut seen = HashSet::new();
    for group in &mut groups {
        group.messages.retain(|message| seen.insert(*message));
    }
    groups.retain(|group| !group.messages.is_empty());
    groups
}

/// Returns what the messages of a module are about: the name of the feature, for example.
fn title(module: &str) -> String {
    let ignored = ["countersign_leptos", "features", "layout", "messages"];
    let names: Vec<_> = module.split("::").filter(|name| !ignored.contains(name)).collect();
    if names.is_empty() { "several pages".to_owned() } else { names.join(", ").replace('_', " ") }
}

/// Returns the messages as a file in which the operator can replace them: TOML, with the English
/// text as key.
#[must_use]
pub fn to_toml() -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let line =
        |message: Message| format!("{} = {}\n", quoted(message.english()), quoted(message.text()));
    let groups = catalog().into_iter().map(|Group { title, messages }| {
        format!("\n# {title}\n{}", messages.into_iter().map(line).collect::<String>())
    });
    let introduction = "# The messages of pages and emails, each with its current text. Keep those \
        that you want to\n# replace, and name this file in COUNTERSIGN_BRAND_MESSAGES.\n";
    iter::once(introduction.to_owned()).chain(groups).collect()
}

/// Returns the messages as a JSON array.
#[must_use]
pub fn to_json() -> Value {
    let groups = catalog().into_iter().flat_map(|Group { title, messages }| {
        messages.into_iter().map(move |message| {
            json!({ "group": title, "english": message.english(), "text": message.text() })
        })
    });
    groups.collect()
}

/// Replaces messages in this process, before the first is read. The replacements stay in memory
/// until its end.
pub(crate) fn replace(replacements: Vec<(Message, String)>) {
    let replacements = replacements.into_iter();
    message::replace(
        replacements.map(|(message, text)| (message.english(), &*text.leak())).collect(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// Counts the invocations of `messages!` in the sources below a folder.
    fn declarations(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .map(|path| {
                if path.is_dir() {
                    return declarations(&path);
                }
                let source = fs::read_to_string(&path).expect("a source file");
                source.lines().filter(|line| line.ends_with("messages! {")).count()
            })
            .sum()
    }

    #[test]
    fn every_declared_message_is_in_the_catalog() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(
            declarations(&root.join("app/src")),
            messages::SHARED.len() + features::MESSAGES.len()
        );
        // Those of mails.
        assert_eq!(declarations(&root.join("core/src")), 1);
        // Those of problems and months.
        assert_eq!(declarations(&root.join("types/src")), 2);
        assert_eq!(declarations(&root.join("http/src")), 0);
    }

    #[test]
    fn placeholders_of_messages_are_words() {
        for message in catalog().into_iter().flat_map(|group| group.messages) {
            let mut rest = message.english();
            while let Some((_, name, after)) = message::split_placeholder(rest) {
                let is_word = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                assert!(is_word && !name.is_empty(), "{message:?}");
                rest = after;
            }
        }
    }
}
