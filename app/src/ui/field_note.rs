//! The note below a field: a hint or an error.

use crate::browser;
use countersign_types::Field;

/// Returns the element id of the note.
pub(super) fn hint_id(field: Field) -> String {
    field.name().to_owned() + "-hint"
}

/// Makes the note a live region, which screen readers read when it changes, or the description of
/// the field, which they read when the field gets the focus. If it were both, they would read it
/// twice. (In the document: signals for it would be 1 KB.)
pub(super) fn announce(field: Field, changes: bool) {
    let id = hint_id(field);
    if let (Some(input), Some(note)) =
        (browser::element_with_id(field.name()), browser::element_with_id(&id))
    {
        let (description, live) = if changes { ("", "polite") } else { (&*id, "off") };
        let _ = input.set_attribute("aria-describedby", description);
        let _ = note.set_attribute("aria-live", live);
    }
}
