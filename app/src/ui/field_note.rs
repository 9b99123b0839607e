//! The note below a field: a hint or an error.

use crate::browser;
use countersign_types::Field;

/// Returns the element id of the note.
pub(super) fn hint_id(field: Field) -> String {
    field.name().to_owned() + "-hint"
}

/// The role of a note for screen readers.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    /// The description of the field, which is read when the field gets the focus.
    Description,
    /// Also a live region, which is read when it changes, while another field has the focus.
    LiveDescription,
    /// A live region only, while the field has the focus: it would be read twice.
    Live,
}

/// Sets what the note of a field is. It sets attributes of the document, because signals would add
/// 1 KB to the Wasm module.
pub(super) fn announce(field: Field, role: Role) {
    let id = hint_id(field);
    if let (Some(input), Some(note)) =
        (browser::element_with_id(field.name()), browser::element_with_id(&id))
    {
        let description = if role == Role::Live { "" } else { &id };
        let live = if role == Role::Description { "off" } else { "polite" };
        let _ = input.set_attribute("aria-describedby", description);
        let _ = note.set_attribute("aria-live", live);
    }
}
