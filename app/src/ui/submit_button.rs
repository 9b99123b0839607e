//! The submit button of a form.

use crate::{
    messages,
    ui::{form::FormContext, part::part},
};
use leptos::prelude::*;

/// A submit button.
///
/// While the form is being sent it is not `disabled`, which would remove the focus:
/// [`crate::ui::Form`] ignores a second submission.
#[component]
pub fn SubmitButton(
    /// The text of the button.
    label: &'static str,
    /// Its text while the form is being sent.
    busy_label: &'static str,
    /// Whether the action is not the main one.
    #[prop(optional)]
    secondary: bool,
    /// Whether the action can't be undone.
    #[prop(optional)]
    danger: bool,
) -> impl IntoView {
    let form = expect_context::<FormContext>();
    let (class, name) = if secondary {
        ("button secondary", "button-secondary")
    } else if danger {
        ("button danger", "button-danger")
    } else {
        ("button", "button-primary")
    };
    view! {
        <button
            {..part(name)}
            type="submit"
            class=class
            aria-disabled=move || form.is_working().then_some("true")
            // The button is as wide as the wider of these two labels.
            data-alternate-label=move || if form.is_working() { label } else { busy_label }
        >
            {move || {
                if form.is_waiting() {
                    messages::WAITING_FOR_NETWORK.text()
                } else if form.is_working() {
                    busy_label
                } else {
                    label
                }
            }}
        </button>
    }
}
