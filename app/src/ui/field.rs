//! A line to type in, with its label, its hint and what is wrong with it.

use super::form::State;
use crate::words;
use contract::{Fault, Field};
use leptos::prelude::*;

/// A field of text. `autocomplete` is for the browser and for password managers.
#[component]
pub fn TextField(
    field: Field,
    #[prop(optional)] label: Option<&'static str>,
    #[prop(optional)] hint: &'static str,
    autocomplete: &'static str,
    #[prop(optional)] value: Option<String>,
) -> impl IntoView {
    let (id, state) = (field.name(), expect_context::<State>());
    let fault = state.fault_of(field);
    let kind = if field == Field::Email { "email" } else { "text" };
    view! {
        <div class="field">
            <div class="field-head">
                <label for=id>{label.unwrap_or(words::field::label(field))}</label>
            </div>
            <div class="field-box">
                <input
                    id=id
                    name=input_name(field)
                    type=kind
                    inputmode=kind
                    autocomplete=autocomplete
                    value=value
                    autofocus=state.is_first(field)
                    aria-describedby=note_id(field)
                    aria-invalid=move || fault.get().map(|_| "true")
                />
            </div>
            {note(field, fault, move || hint)}
        </div>
    }
}

/// Server functions take their form as one argument of that name.
pub(super) fn input_name(field: Field) -> String {
    format!("form[{}]", field.name())
}

pub(super) fn note_id(field: Field) -> String {
    format!("{}-note", field.name())
}

/// The line below the field: the fault if there is one, else the hint. One element for both, so that nothing moves.
pub(super) fn note(field: Field, fault: Memo<Option<Fault>>, hint: impl Fn() -> &'static str + Send + Sync + 'static) -> impl IntoView {
    view! {
        <p id=note_id(field) class="note" class:fault=move || fault.get().is_some() aria-live="polite">
            {move || fault.get().map_or_else(|| hint().into(), |fault| words::fault(field, fault))}
        </p>
    }
}
