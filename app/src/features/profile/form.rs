//! The form for the display name.

use super::{UpdateProfileCall, messages};
use crate::{
    browser,
    layout::session_monitor::show_user,
    page_query, rendered, routes,
    ui::{Form, FormValues, SubmitButton, TextField, form_action},
};
use countersign_types::{
    Field,
    forms::UpdateProfileForm,
    views::{Account, TaggedAccount},
};
use leptos::prelude::*;

#[island]
pub fn ProfileForm() -> impl IntoView {
    let check = |call: &UpdateProfileCall| call.form.validate().err().unwrap_or_default();
    let is_changed = RwSignal::new(true);
    let update = form_action(read, check, move |TaggedAccount { account, .. }| {
        is_changed.set(show_name(&account));
        show_user(&account);
    });
    // The result of a plain form is in the query.
    let initial = page_query::value(routes::SAVED).map(|saved| {
        if saved == "nothing" { messages::UNCHANGED.text() } else { messages::SAVED.text() }
    });
    let status = move || match update.was_accepted() {
        None => initial,
        Some(false) => None,
        Some(true) if is_changed.get() => Some(messages::SAVED.text()),
        Some(true) => Some(messages::UNCHANGED.text()),
    };
    let (tag, name) = rendered::from_context(|TaggedAccount { account, session_tag }| {
        (session_tag, account.name.unwrap_or_default())
    });
    view! {
        <Form action=update class="button-inline">
            <input type="hidden" name="session_tag" value=tag/>
            <TextField
                field=Field::Name
                hint=crate::messages::field::RENAME_HINT.text()
                autocomplete="name"
                value=name
            />
            <div class="cluster">
                <SubmitButton label=messages::SAVE.text() busy_label=messages::SAVING.text()/>
                <p class="text-muted text-small" role="status">
                    {status}
                </p>
            </div>
        </Form>
    }
}

/// Shows the saved name in its field, unless the user has typed another one meanwhile. Returns
/// whether it is another name than before.
fn show_name(account: &Account) -> bool {
    let Some(field) = browser::input(Field::Name.name()) else { return true };
    let name = account.name.as_deref().unwrap_or_default();
    let is_changed = field.default_value() != name;
    field.set_default_value(name);
    if field.value().trim() == name {
        field.set_value(name);
    }
    is_changed
}

fn read(fields: &FormValues) -> UpdateProfileCall {
    UpdateProfileCall {
        form: UpdateProfileForm { name: fields.text("name") },
        session_tag: fields.argument("session_tag"),
    }
}
