//! The values of the fields of a form.

use leptos::web_sys::{self, FormData, HtmlFormElement};

/// The values of the fields of a form.
pub struct FormValues(FormData);

impl FormValues {
    pub(super) fn of(form: &HtmlFormElement) -> Option<Self> {
        FormData::new_with_form(form).ok().map(Self)
    }

    /// Returns the encoded form, as browsers send it (URL Standard, 5.2).
    pub(super) fn encode(&self) -> String {
        web_sys::UrlSearchParams::new_with_str_sequence_sequence(&self.0)
            .map(|form| form.to_string().into())
            .unwrap_or_default()
    }

    /// Returns the text of a field; empty if there is no such field.
    pub fn text(&self, name: &str) -> String {
        self.argument(&input_name(name))
    }

    /// Returns whether a checkbox is checked.
    pub fn is_checked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Returns an argument of the server function other than the form, from a hidden input.
    pub fn argument(&self, name: &str) -> String {
        self.0.get(name).as_string().unwrap_or_default()
    }
}

/// Returns the name of the input of a field. Server functions take a form as one argument, `form`.
pub(super) fn input_name(field: &str) -> String {
    format!("form[{field}]")
}
