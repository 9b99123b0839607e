//! Rows of the same kind, one under the other.

use crate::solid::IntoSolid;
use leptos::prelude::*;

/// A row and what it is marked with, for styles and for tests.
#[component]
pub fn List(class: &'static str, rows: Vec<AnyView>, empty: &'static str) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="empty">{empty}</p> }.solid();
    }
    view! {
        // Browsers forget that a list without bullets is one, unless they are told.
        <ul class=format!("list {class}") role="list">
            {rows}
        </ul>
    }
    .solid()
}
