//! (browser) The email address that a user has typed, for the next page: from the log-in to the
//! page of a forgotten password, and from a sign-up with a taken address to the log-in. It is
//! passed in the session storage of the tab, so that it is in no URL, and deleted by the next page.

use crate::browser;
use countersign_types::Field;

const KEY: &str = "countersign-email";

/// Keeps the content of the field for the email address until the next page takes it.
pub fn keep() {
    if let (Some(field), Some(storage)) =
        (browser::input(Field::Email.name()), browser::tab_storage())
    {
        let _ = storage.set_item(KEY, &field.value());
    }
}

/// Deletes the address.
pub fn clear() {
    if let Some(storage) = browser::tab_storage() {
        let _ = storage.remove_item(KEY);
    }
}

/// Moves the address into the field of this page, unless the user has typed there already.
pub fn restore() {
    let Some(storage) = browser::tab_storage() else { return };
    let Ok(Some(typed)) = storage.get_item(KEY) else { return };
    if let Some(field) =
        browser::input(Field::Email.name()).filter(|field| field.value().is_empty())
    {
        field.set_value(&typed);
    }
}
