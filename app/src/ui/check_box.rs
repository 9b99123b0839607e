//! A choice of yes or no.

use super::form::input_name;
use leptos::prelude::*;

/// Ticked at first.
#[component]
pub fn CheckBox(name: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" name=input_name(name) value="on" checked/>
            {label}
        </label>
    }
}
