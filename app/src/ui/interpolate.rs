//! Sentences that contain an element.

use countersign_types::{Message, message::split_placeholder};
use leptos::prelude::*;

/// Replaces the placeholder of a message by `element`. Its position depends on the language, so it
/// is part of the message.
pub fn interpolate(message: Message, element: impl IntoView) -> impl IntoView {
    let text = message.text();
    let (before, _, after) = split_placeholder(text).unwrap_or((text, "", ""));
    let non_empty = |text: &'static str| (!text.is_empty()).then_some(text);
    (non_empty(before), element.into_view(), non_empty(after))
}
