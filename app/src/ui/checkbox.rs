//! A checkbox of a form. The names of its values are in `types::forms`: checked is `on`, and
//! unchecked is no value.

use crate::ui::{form::input_name, part::part};
use leptos::prelude::*;

/// A checkbox that is checked at first, such as "Keep me logged in".
#[component]
pub fn Checkbox(
    /// The name of a field of the form.
    name: &'static str,
    /// The text beside the box.
    label: &'static str,
) -> impl IntoView {
    view! {
        <label class="checkbox" {..part("checkbox")}>
            <input type="checkbox" name=input_name(name) value="on" checked/>
            {label}
        </label>
    }
}
