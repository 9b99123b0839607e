//! The islands of the component gallery.

use super::{messages, simulate};
use crate::{
    features::{
        activity::list_activity,
        log_in::{LogInCall, messages::REMEMBER_ME},
    },
    page_query,
    ui::{
        Checkbox, Form, FormAction, FormValues, PasswordField, SubmitButton, TextField, form_action,
    },
};
use countersign_types::{
    ActivityFilter, Field, FieldError, FieldErrors, PasswordWeakness, Problem, forms::LogInForm,
};
use futures::future::join_all;
use leptos::{prelude::*, task::spawn_local};

/// Simulates the user input that leads to the state of the page, once it is hydrated.
#[island]
pub fn Simulation() -> impl IntoView {
    let act: fn() = match page_query::value("state").as_deref() {
        Some("filled") => fill_in,
        Some("errors") => || simulate::submit("#gallery .form"),
        Some("busy") => || simulate::submit("#gallery form"),
        Some("dialog") => {
            || simulate::click("[popovertarget=gallery-dialog]:not([popovertargetaction])")
        }
        Some("menu") => || simulate::click("[popovertarget=gallery-menu]"),
        _ => || (),
    };
    Effect::new(move |_| request_animation_frame(act));
}

fn fill_in() {
    simulate::type_text("#name", "Ada Lovelace");
    simulate::type_text("#email", "ada@example.org");
    simulate::type_text("#current_password", "what it is now");
    simulate::type_text("#password", "long enough");
    simulate::type_text("#new_password", "of a good length");
    simulate::click("#current_password ~ button");
    simulate::press_key_with_caps_lock("#current_password");
    simulate::click("#gallery input[type=checkbox]");
}

/// A form in which every field can have an error. It is never sent.
#[island]
pub fn Fields() -> impl IntoView {
    let read = |_: &FormValues| LogInCall { form: LogInForm::default(), next: String::new() };
    let check = |_: &LogInCall| {
        let mut errors = FieldErrors::from((Field::Name, FieldError::TooLong { max: 200 }));
        errors.0.extend([
            (Field::Email, FieldError::Malformed),
            (Field::Password, FieldError::TooWeak(PasswordWeakness::Other)),
            (Field::CurrentPassword, FieldError::Incorrect),
        ]);
        errors
    };
    let action = form_action(read, check, |_| ());
    view! {
        <Form action>
            <TextField
                field=Field::Name
                hint=crate::messages::field::NAME_HINT.text()
                autocomplete="off"
            />
            <TextField field=Field::Email autocomplete="off"/>
            <PasswordField field=Field::CurrentPassword/>
            <PasswordField new=true/>
            <PasswordField field=Field::NewPassword new=true/>
            <Checkbox name="remember_me" label=REMEMBER_ME.text()/>
            <SubmitButton label="Check" busy_label="Checking…"/>
        </Form>
    }
}

/// Forms that have failed.
#[island]
pub fn FailedForms() -> impl IntoView {
    [
        Problem::InvalidCredentials,
        Problem::EmailTaken,
        Problem::SessionMismatch,
        Problem::Overloaded { retry_after: 3 },
        Problem::Unavailable,
        Problem::Offline,
    ]
    .map(|problem| {
        view! {
            <Form action=FormAction::always_failed(problem)>
                <SubmitButton label="Send" busy_label="Sending…"/>
            </Form>
        }
    })
    .into_iter()
    .collect_view()
}

/// Forms that never get a response.
#[island]
pub fn BusyForms() -> impl IntoView {
    view! {
        <div class="cluster">
            <Form action=FormAction::always_pending() class="button-inline">
                <SubmitButton label="Send" busy_label="Sending…"/>
            </Form>
            <Form action=FormAction::always_pending() class="button-inline">
                <SubmitButton label="Send, secondary" busy_label="Sending…" secondary=true/>
            </Form>
            <Form action=FormAction::always_pending() class="button-inline">
                <SubmitButton label="Delete" busy_label="Deleting everything…" danger=true/>
            </Form>
        </div>
    }
}

/// A button for five concurrent authenticated calls.
#[island]
pub fn FiveCalls() -> impl IntoView {
    let result = RwSignal::new(String::new());
    let call = move |_| {
        result.set(String::new());
        spawn_local(async move {
            let responses =
                join_all((0..5).map(|_| list_activity(ActivityFilter::All, None))).await;
            result.set(format!(
                "{} of 5 answered",
                responses.iter().filter(|response| response.is_ok()).count()
            ));
        });
    };
    view! {
        <button type="button" class="button" on:click=call>
            {messages::FIVE_CALLS}
        </button>
        <p role="status">{result}</p>
    }
}
