//! The parts of an island that only the server renders: names of parts, fixed attributes and fixed
//! texts.
//!
//! The names of parts are for style sheets of operators: docs/guides/brand.md lists them.
//!
//! Elements that only the server renders have the attribute `data-part` in their markup. Those of
//! islands get it from [`part`], which the server renders and the browser keeps, so that the names
//! are not in the Wasm module. Only what the browser itself creates has the attribute in both.

use countersign_types::Message;
use leptos::attr::Attribute;
#[cfg(feature = "ssr")]
use leptos::attr::custom::custom_attribute;

/// Returns the attribute with the name of a part.
#[cfg(feature = "ssr")]
pub(crate) fn part(name: &'static str) -> impl Attribute {
    custom_attribute("data-part", name)
}

/// Returns no attribute: the element has the one that the server has rendered.
#[cfg(not(feature = "ssr"))]
pub(crate) const fn part(_: &'static str) -> impl Attribute {}

/// Returns attributes of an element of an island that never change. Only the server renders them,
/// and the browser has no code for them. Not for elements that the browser itself creates.
#[cfg(feature = "ssr")]
pub(crate) fn fixed<A: Attribute>(attributes: impl FnOnce() -> A) -> impl Attribute {
    attributes()
}

/// Returns no attributes: the element has those that the server has rendered.
#[cfg(not(feature = "ssr"))]
pub(crate) fn fixed<A: Attribute>(_: impl FnOnce() -> A) -> impl Attribute {}

/// Returns a text of an island that never changes. Only the server renders it, and the browser,
/// which hydrates elements without reading their texts, has no copy of it. Not for elements that
/// the browser itself creates.
#[expect(clippy::inline_always, reason = "keeps the text out of the Wasm module")]
#[inline(always)]
pub(crate) fn fixed_text(message: Message) -> &'static str {
    if cfg!(feature = "ssr") { message.text() } else { "" }
}
