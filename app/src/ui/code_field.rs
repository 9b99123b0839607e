//! The field for the code from an email.

use crate::ui::{
    event_target::target_as,
    field_note::hint_id,
    form::{FormContext, input_name},
    part::{fixed_text, part},
    text_field::hint_line,
};
use countersign_types::{Field, OneTimeCode};
use leptos::{ev, prelude::*, web_sys::HtmlInputElement};
use std::sync::Arc;

/// One input, into which a whole code can be pasted. Scripts send the form as soon as the code is
/// complete, once; after an error the user sends it.
#[component]
pub fn CodeField(
    /// The text below the field, unless it has an error.
    hint: &'static str,
) -> impl IntoView {
    let (field, form) = (Field::Code, expect_context::<FormContext>());
    let id = field.name();
    let was_sent = RwSignal::new(false);
    let on_input = move |event: ev::Event| {
        let Some(input) = target_as::<HtmlInputElement>(event.target()) else { return };
        if was_sent.try_get_untracked() == Some(false)
            && OneTimeCode::parse(&input.value()).is_ok()
            && let Some(form) = input.form()
        {
            was_sent.try_set(true);
            let _ = form.request_submit();
        }
    };
    view! {
        <div class="field" {..part("field")}>
            <div class="field-head">
                <label {..part("label")} for=id>
                    {fixed_text(crate::messages::field::label(field))}
                </label>
            </div>
            <div class="field-box" {..part("input")}>
                <input
                    id=id
                    class="code-input"
                    name=input_name(id)
                    type="text"
                    inputmode="numeric"
                    autocomplete="one-time-code"
                    maxlength="20"
                    enterkeyhint="go"
                    autofocus=true
                    aria-describedby=hint_id(field)
                    aria-invalid=move || form.error_of(field).map(|_| "true")
                    on:input=on_input
                />
            </div>
            {hint_line(form, field, Arc::new(move || hint))}
        </div>
    }
}
