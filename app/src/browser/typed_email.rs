//! (browser) The email address that a user has typed on the log-in page, for the page of a
//! forgotten password. It is kept in memory, so that it is in no URL and no storage.

use leptos::{prelude::document, wasm_bindgen::JsCast, web_sys::HtmlInputElement};
use std::cell::RefCell;

thread_local! {
    static TYPED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the content of the field for the email address until the next page takes it.
pub fn keep() {
    let field = document().get_element_by_id("email");
    let field = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    TYPED.set(field.map(|field| field.value()));
}

/// Returns the address, once. `None` if the page was loaded from the server.
pub fn take() -> Option<String> {
    TYPED.take().filter(|typed| !typed.is_empty())
}
