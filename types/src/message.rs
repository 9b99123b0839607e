//! Texts that users read. Each is declared once, in English, with [`messages!`](crate::messages!),
//! where it is used. The operator can replace single texts; this module holds the replacements.
//!
//! How the operator writes them is not here but in `server::config::messages`, and how they reach
//! the browser in `countersign_leptos::layout::document`.
//!
//! The English text is the key of a replacement, so that a text needs no other name. Two messages
//! with the same text have the same replacement.

use std::{fmt, sync::OnceLock};

/// A text that users read. It is not a [`str`], so that no page shows a text that cannot be
/// replaced.
///
/// Words in braces, such as `{product}`, are placeholders; see [`Message::with`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message(&'static str);

/// The messages of a module, in the order of their declaration.
#[derive(Clone, Copy, Debug)]
pub struct MessageGroup {
    /// The path of the module.
    pub module: &'static str,
    /// The messages.
    pub messages: &'static [Message],
}

/// The replacements of this process. They are global, because problems and events have constant
/// texts: there is no request or context from which to take replacements.
static REPLACEMENTS: OnceLock<Vec<(&'static str, &'static str)>> = OnceLock::new();

/// Replaces messages from now on: pairs of the English text and its replacement. Called at most
/// once, before the first message is read; another call does nothing.
pub fn replace(replacements: Vec<(&'static str, &'static str)>) {
    REPLACEMENTS.set(replacements).ok();
}

/// Returns the English texts with their replacements.
pub fn replacements() -> &'static [(&'static str, &'static str)] {
    REPLACEMENTS.get().map_or(&[], Vec::as_slice)
}

impl Message {
    /// Declares a message. Use [`messages!`](crate::messages!), which also lists it.
    #[must_use]
    pub const fn new(english: &'static str) -> Self {
        Self(english)
    }

    /// Returns the English text, which the JSON API and the log use.
    #[must_use]
    pub const fn english(self) -> &'static str {
        self.0
    }

    /// Returns the text for users.
    #[must_use]
    pub fn text(self) -> &'static str {
        // Few are replaced, and code for a faster search would be in the Wasm module.
        let found = replacements().iter().find(|(english, _)| *english == self.0);
        found.map_or(self.0, |(_, text)| text)
    }

    /// Returns the text for users, with values in place of the placeholders. A placeholder without
    /// a value is empty.
    #[must_use]
    pub fn with(self, values: &[(&str, &str)]) -> String {
        fill(self.text(), values)
    }

    /// Returns the English text, with values in place of the placeholders.
    #[must_use]
    pub fn english_with(self, values: &[(&str, &str)]) -> String {
        fill(self.0, values)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, out)
    }
}

/// Returns the text before the first placeholder, its name, and the text after it.
#[must_use]
pub fn split_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// Replaces the placeholders. Braces in the values are ordinary characters.
fn fill(mut text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    while let Some((before, name, after)) = split_placeholder(text) {
        filled.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(value);
        }
        text = after;
    }
    filled.push_str(text);
    filled
}

/// Declares messages, `NAME = "English text";`, as public constants, and the constant `MESSAGES`
/// with the list of them. At most once in a module.
#[macro_export]
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident = $english:literal;)*) => {
        $(
            #[doc = ::core::concat!("“", $english, "”")]
            $(#[$meta])*
            pub const $name: $crate::Message = $crate::Message::new($english);
        )*

        /// The messages of this module.
        pub const MESSAGES: $crate::message::MessageGroup = $crate::message::MessageGroup {
            module: ::core::module_path!(),
            messages: &[$($name),*],
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_by_name() {
        let message = Message::new("{program} on {system}");
        let values = [("system", "Linux"), ("program", "Firefox")];
        assert_eq!(message.with(&values), "Firefox on Linux");
        assert_eq!(Message::new("{a}{b}.").with(&[("b", "2")]), "2.");
    }

    #[test]
    fn value_with_braces_is_shown_as_it_is() {
        let values = [("name", "{email} {"), ("email", "ada@example.com")];
        assert_eq!(Message::new("Hello, {name}").with(&values), "Hello, {email} {");
    }

    #[test]
    fn text_without_a_placeholder_is_unchanged() {
        for text in ["", "No placeholder.", "Only { one brace", "} and {"] {
            assert_eq!(Message::new(text).with(&[("a", "b")]), text);
        }
    }
}
