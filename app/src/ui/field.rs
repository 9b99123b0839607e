//! A line to type in, with its label, its hint and what is wrong with it.

use super::form::{State, input_name};
use crate::solid::IntoSolid;
use crate::words;
use countersign_types::Field;
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
    let kind = if field == Field::Email { "email" } else { "text" };
    view! {
        <div class="field">
            <div class="field-head">
                <label for=id>{label.unwrap_or(words::field::label(field))}</label>
            </div>
            <div class="field-box">
                <input
                    id=id
                    name=input_name(id)
                    type=kind
                    inputmode=kind
                    autocomplete=autocomplete
                    value=value
                    autofocus=state.is_first(field)
                    data-draft=""
                    aria-describedby=note_id(field)
                    aria-invalid=move || state.fault_of(field).map(|_| "true")
                />
            </div>
            {note(state, field, Box::new(move || hint))}
        </div>
    }
}

pub(super) fn note_id(field: Field) -> String {
    format!("{}-note", field.name())
}

/// The line below the field: the fault if there is one, else the hint. One element for both, so
/// that nothing moves.
pub(super) fn note(
    state: State,
    field: Field,
    hint: Box<dyn Fn() -> &'static str + Send + Sync>,
) -> AnyView {
    view! {
        <p id=note_id(field) class="note" class:fault=move || state.fault_of(field).is_some() aria-live="polite">
            {move || state.fault_of(field).map_or_else(|| hint().into(), |fault| words::fault(field, fault))}
        </p>
    }
    .solid()
}
