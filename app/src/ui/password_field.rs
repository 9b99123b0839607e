//! A password field: it can show the password, warns about Caps Lock, and for a new password gives
//! a hint about length and patterns.

use crate::{
    browser, messages,
    ui::{
        field_note::{Role, announce, hint_id},
        form::{FormContext, input_name},
        part::{fixed, fixed_text, part},
        text_field::hint_line,
    },
};
use countersign_types::{Field, PasswordWeakness, password::MIN_CHARS};
use leptos::{
    attr::{self, custom::custom_attribute},
    ev,
    prelude::*,
};
use std::sync::Arc;

/// Rules for generated passwords (Apple, "Password Rules").
const PASSWORD_RULES: &str = "minlength: 15; maxlength: 64;";

/// A password field, with a button that shows the password.
#[component]
pub fn PasswordField(
    /// The field, which has the name, the label and the error.
    #[prop(default = Field::Password)]
    field: Field,
    /// Whether the user chooses a password instead of entering the current one.
    #[prop(optional)]
    new: bool,
) -> impl IntoView {
    let (id, form) = (field.name(), expect_context::<FormContext>());
    let length = RwSignal::new(0);
    let caps_lock = RwSignal::new(false);
    let is_visible = RwSignal::new(false);
    Effect::new(move |_| {
        if form.was_accepted() {
            is_visible.try_set(false);
            length.try_set(0);
        }
    });
    // Hidden while the form is sent, or the browser would save the password as form text.
    let shown = move || !form.is_working() && is_visible.try_get().unwrap_or_default();
    // `try_…` throughout: the field may lose the focus because it is removed.
    let set_caps_lock = move |is_on| {
        caps_lock.try_set(is_on);
    };
    let on_input = move |event| {
        length.try_set(event_target_value(&event).chars().count());
        // An error stays the description until it is corrected.
        if new && untrack(|| form.error_of(field)).is_none() {
            announce(field, Role::Live);
        }
    };
    let toggle = move |_| {
        is_visible.try_update(|is_visible| *is_visible = !*is_visible);
    };
    let on_key =
        move |event: ev::KeyboardEvent| set_caps_lock(event.get_modifier_state("CapsLock"));
    let if_shown = move |shown_text: &'static str, hidden_text: &'static str| {
        if shown() { shown_text } else { hidden_text }
    };
    let caps_lock_warning = move || {
        caps_lock.try_get().unwrap_or_default().then_some(messages::field::CAPS_LOCK.text())
    };
    let toggle_label = move || {
        if_shown(messages::field::HIDE_PASSWORD.text(), messages::field::SHOW_PASSWORD.text())
    };
    let hint = move || {
        let length = length.try_get().unwrap_or_default();
        let pattern =
            || browser::input(id).and_then(|input| PasswordWeakness::pattern(&input.value()));
        if new { messages::field::password_hint(length, pattern).text() } else { "" }
    };
    view! {
        <div class="field" {..part("field")}>
            <div class="field-head">
                <label {..part("label")} for=id>{fixed_text(messages::field::label(field))}</label>
                <span class="caps-lock" role="status">{caps_lock_warning}</span>
            </div>
            <div class="field-box" {..part("input")}>
                <input
                    {..fixed(move || (
                        attr::id(id),
                        attr::name(input_name(id)),
                        attr::autocomplete(if new { "new-password" } else { "current-password" }),
                        attr::autocapitalize("none"),
                        attr::spellcheck("false"),
                        attr::enterkeyhint(if new { "done" } else { "go" }),
                        attr::minlength(new.then_some(MIN_CHARS)),
                        attr::autofocus(form.has_focus(field, false)),
                        attr::aria_describedby(hint_id(field)),
                        custom_attribute("passwordrules", new.then_some(PASSWORD_RULES)),
                    ))}
                    type=move || if_shown("text", "password")
                    aria-invalid=move || form.error_of(field).map(|_| "true")
                    on:input=on_input
                    on:keydown=on_key
                    on:keyup=on_key
                    on:blur=move |_| set_caps_lock(false)
                />
                <button
                    type="button"
                    class="password-toggle"
                    aria-controls=id
                    aria-label=toggle_label
                    on:click=toggle
                >
                    {move || if_shown(messages::field::HIDE.text(), messages::field::SHOW.text())}
                </button>
            </div>
            {hint_line(form, field, Arc::new(hint))}
        </div>
    }
}
