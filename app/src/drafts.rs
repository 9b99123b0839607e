//! (browser) What somebody has typed and not sent when their session ends: kept in this tab until they are back on the same page. Never what is in a
//! password field, and never for anybody else.

use crate::browser;
use leptos::{prelude::document, wasm_bindgen::JsCast, web_sys::HtmlInputElement};
use std::cell::RefCell;

const KEY: &str = "latchkey-draft";
/// What may be kept: lines of text that people type.
const TYPED: &str = "main input:is([type=text], [type=email]):not([readonly])";

thread_local! {
    /// Who is in, as far as this page knows.
    static OWNER: RefCell<Option<String>> = const { RefCell::new(None) };
}

struct Draft {
    owner: String,
    path: String,
    /// By the id of the field.
    fields: Vec<(String, String)>,
}

/// Keeps what `owner` has changed in the fields of this page.
pub fn keep(owner: &str) {
    let fields: Vec<_> = inputs().into_iter().filter(|input| input.value() != input.default_value()).map(|input| (input.id(), input.value())).collect();
    if !fields.is_empty()
        && let Some(storage) = browser::tab_storage()
    {
        // One thing a line: no field here can hold more than one.
        let mut lines = vec![owner.to_owned(), browser::path()];
        lines.extend(fields.into_iter().flat_map(|(id, value)| [id, value]));
        let _ = storage.set_item(KEY, &lines.join("\n"));
    }
}

/// `owner` is in: puts back what they have typed on this page, and forgets what anybody else has.
pub fn belong_to(owner: &str) {
    OWNER.set(Some(owner.to_owned()));
    if read().is_some_and(|draft| draft.owner != owner) {
        forget();
    }
    restore();
}

/// Puts back what was typed on this page. Its fields must be there.
pub fn restore() {
    let mine = |draft: &Draft| OWNER.with_borrow(|owner| owner.as_ref() == Some(&draft.owner)) && draft.path == browser::path();
    let Some(draft) = read().filter(mine) else { return };
    let fields = inputs();
    let mut found = false;
    for (id, value) in &draft.fields {
        if let Some(field) = fields.iter().find(|field| field.id() == *id) {
            field.set_value(value);
            found = true;
        }
    }
    if found {
        forget();
    }
}

/// Somebody is out who wanted to be.
pub fn forget() {
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

fn inputs() -> Vec<HtmlInputElement> {
    let Ok(found) = document().query_selector_all(TYPED) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}
