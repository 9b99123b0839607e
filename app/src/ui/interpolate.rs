//! Sentences that contain an element.

use leptos::prelude::*;

/// Replaces `{}` in a sentence by `element`. Its position depends on the language, so it is part of
/// the text in [`crate::messages`].
pub fn interpolate(sentence: &'static str, element: impl IntoView) -> impl IntoView {
    let (before, after) = sentence.split_once("{}").unwrap_or((sentence, ""));
    let non_empty = |text: &'static str| (!text.is_empty()).then_some(text);
    (non_empty(before), element.into_view(), non_empty(after))
}
