//! The field for a password: can be shown, says when Caps Lock is on, and, for a new one, whether
//! it is long enough.

use super::{
    field::{note, note_id},
    form::{State, input_name},
};
use crate::words;
use countersign_types::Field;
use leptos::{ev, prelude::*};

/// `new`: it is being chosen, not proven.
#[component]
pub fn PasswordField(
    #[prop(default = Field::Password)] field: Field,
    #[prop(optional)] new: bool,
) -> impl IntoView {
    let (id, state) = (field.name(), expect_context::<State>());
    let length = RwSignal::new(0);
    let caps_lock = RwSignal::new(false);
    let wanted = RwSignal::new(false);
    Effect::new(move |_| {
        if state.was_accepted() {
            wanted.try_set(false);
            length.try_set(0);
        }
    });
    // Hidden again while it is sent, or the browser would remember it as a text that one types.
    let shown = move || !state.is_working() && wanted.try_get().unwrap_or_default();
    // All of it with `try_…`: it may lose the focus because it goes away.
    let locked = move |is| {
        caps_lock.try_set(is);
    };
    let typed = move |event| {
        length.try_set(event_target_value(&event).chars().count());
    };
    let turn = move |_| {
        wanted.try_update(|wanted| *wanted = !*wanted);
    };
    let key = move |event: ev::KeyboardEvent| locked(event.get_modifier_state("CapsLock"));
    let words_if_shown = move |shown_words: &'static str, hidden: &'static str| {
        if shown() { shown_words } else { hidden }
    };
    view! {
        <div class="field">
            <div class="field-head">
                <label for=id>{words::field::label(field)}</label>
                <span class="caps" role="status">{move || caps_lock.try_get().unwrap_or_default().then_some(words::field::CAPS_LOCK)}</span>
            </div>
            <div class="field-box">
                <input
                    id=id
                    name=input_name(id)
                    type=move || words_if_shown("text", "password")
                    autocomplete=if new { "new-password" } else { "current-password" }
                    autocapitalize="none"
                    spellcheck="false"
                    autofocus=state.is_first(field)
                    aria-describedby=note_id(field)
                    aria-invalid=move || state.fault_of(field).map(|_| "true")
                    on:input=typed
                    on:keydown=key
                    on:keyup=key
                    on:blur=move |_| locked(false)
                />
                <button
                    type="button"
                    class="reveal"
                    aria-controls=id
                    aria-label=move || words_if_shown(words::field::HIDE_PASSWORD, words::field::SHOW_PASSWORD)
                    on:click=turn
                >
                    {move || words_if_shown(words::field::HIDE, words::field::SHOW)}
                </button>
            </div>
            {note(state, field, Box::new(move || if new { words::field::password_hint(length.try_get().unwrap_or_default()) } else { "" }))}
        </div>
    }
}
