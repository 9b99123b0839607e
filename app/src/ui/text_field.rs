//! A text field with label, hint and error message.

use crate::{
    messages,
    ui::{
        field_note::hint_id,
        form::{FormContext, input_name},
        part::{fixed, fixed_text, part},
    },
};
use countersign_types::Field;
use leptos::{
    attr::{self, custom::custom_attribute},
    prelude::*,
};
use std::sync::Arc;

/// A text field with label, hint and error message.
#[component]
pub fn TextField(
    /// The field, which has the name, the label and the error.
    field: Field,
    /// The label, if it differs from that of the field.
    #[prop(optional)]
    label: Option<&'static str>,
    /// The text below the field, unless it has an error.
    #[prop(optional)]
    hint: &'static str,
    /// The value that browsers and password managers fill in.
    autocomplete: &'static str,
    /// The value when the page is opened.
    #[prop(optional)]
    value: Option<String>,
    /// Whether it gets the focus when the page is opened.
    #[prop(optional)]
    autofocus: bool,
    /// Whether its value is fixed.
    #[prop(optional)]
    readonly: bool,
) -> impl IntoView {
    let (id, form) = (field.name(), expect_context::<FormContext>());
    // The name is the last field of its forms.
    let (kind, capitals, enter_key) =
        if field == Field::Email { ("email", "none", "next") } else { ("text", "words", "done") };
    // Without scripts, the server fills in what the user entered.
    #[cfg(feature = "ssr")]
    let value = form.entered_value(field).filter(|_| !readonly).or(value);
    view! {
        <div class="field" {..part("field")}>
            <div class="field-head">
                <label {..part("label")} for=id>
                    {label.unwrap_or(fixed_text(messages::field::label(field)))}
                </label>
            </div>
            <div class="field-box" {..part("input")}>
                <input
                    {..fixed(move || (
                        attr::id(id),
                        attr::name(input_name(id)),
                        attr::r#type(kind),
                        attr::autocomplete(autocomplete),
                        attr::value(value),
                        attr::readonly(readonly),
                        attr::autocapitalize(capitals),
                        attr::enterkeyhint(enter_key),
                        attr::autofocus(form.has_focus(field, autofocus)),
                        custom_attribute("data-draft", ""),
                        attr::aria_describedby(hint_id(field)),
                    ))}
                    aria-invalid=move || form.error_of(field).map(|_| "true")
                />
            </div>
            {hint_line(form, field, Arc::new(move || hint))}
        </div>
    }
}

/// Renders the line below a field: its error if there is one, else its hint. One element for both
/// avoids layout shifts.
pub(super) fn hint_line(
    form: FormContext,
    field: Field,
    hint: Arc<dyn Fn() -> &'static str + Send + Sync>,
) -> impl IntoView {
    let text = move || match form.error_of(field) {
        Some(error) => error.message(field),
        None => hint().to_owned(),
    };
    let is_empty = {
        let text = text.clone();
        move || text().is_empty()
    };
    let has_error = move || form.error_of(field).is_some();
    view! {
        <p
            {..part("hint")}
            id=hint_id(field)
            class="field-hint"
            class:error=has_error
            class:blank=is_empty
        >
            {text}
        </p>
    }
}
