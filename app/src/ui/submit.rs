//! The button that sends a form.

use super::form::State;
use leptos::prelude::*;

/// Says what will happen, and while it happens that it does. It is not `disabled` meanwhile, which would take the focus away; [`super::Form`]
/// ignores the second press.
#[component]
pub fn Submit(label: &'static str, working: &'static str, #[prop(optional)] quiet: bool, #[prop(optional)] danger: bool) -> impl IntoView {
    let state = expect_context::<State>();
    view! {
        <button
            type="submit"
            class=if quiet { "button quiet" } else if danger { "button danger" } else { "button" }
            aria-disabled=move || state.is_working().then_some("true")
        >
            {move || if state.is_working() { working } else { label }}
        </button>
    }
}
