//! (browser) Drafts of forms: text that the user has typed but not sent when the session ends. They
//! are kept in the session storage of the tab until the same user is back on the same page.
//! Passwords are never kept.

use crate::browser;
use leptos::web_sys::HtmlInputElement;

const KEY: &str = "countersign-draft";
/// Selects the inputs that opt in. The input type is no criterion: a visible password is an input
/// of type text.
const INPUTS: &str = "main input[data-draft]";

struct Draft {
    owner: String,
    path: String,
    /// Element ids and values.
    fields: Vec<(String, String)>,
}

/// Saves the fields of this page that `owner` has changed.
pub fn save(owner: &str) {
    clear();
    let fields: Vec<_> = inputs()
        .filter(|input| input.value() != input.default_value())
        .map(|input| (input.id(), input.value()))
        .collect();
    if !fields.is_empty()
        && let Some(storage) = browser::tab_storage()
    {
        // One value per line: the value of an input never contains a line break.
        let mut lines = vec![owner.to_owned(), browser::path()];
        lines.extend(fields.into_iter().flat_map(|(id, value)| [id, value]));
        let _ = storage.set_item(KEY, &lines.join("\n"));
    }
}

/// Restores the draft of this page for `owner`, who is logged in, and deletes the draft of any
/// other user.
pub fn restore_for(owner: &str) {
    let Some(draft) = read() else { return };
    if draft.owner != owner {
        return clear();
    }
    if draft.path != browser::path() {
        return;
    }
    let mut restored = false;
    for (id, value) in &draft.fields {
        if let Some(field) = inputs().find(|field| field.id() == *id) {
            field.set_value(value);
            restored = true;
        }
    }
    if restored {
        clear();
    }
}

/// Deletes the draft, for example after a log-out.
pub fn clear() {
    if let Some(storage) = browser::tab_storage() {
        let _ = storage.remove_item(KEY);
    }
}

fn read() -> Option<Draft> {
    let text = browser::tab_storage()?.get_item(KEY).ok()??;
    let mut lines = text.split('\n').map(str::to_owned);
    let (owner, path) = (lines.next()?, lines.next()?);
    let mut fields = Vec::new();
    while let (Some(id), Some(value)) = (lines.next(), lines.next()) {
        fields.push((id, value));
    }
    Some(Draft { owner, path, fields })
}

fn inputs() -> impl Iterator<Item = HtmlInputElement> {
    browser::elements(INPUTS)
}
