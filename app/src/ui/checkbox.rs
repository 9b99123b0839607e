//! A checkbox.

use crate::ui::form::input_name;
use leptos::prelude::*;

/// A checkbox, initially checked.
#[component]
pub fn Checkbox(name: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <label class="checkbox">
            <input type="checkbox" name=input_name(name) value="on" checked/>
            {label}
        </label>
    }
}
