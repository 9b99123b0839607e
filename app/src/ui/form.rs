//! A form: validates each field when it loses the focus, and all fields before sending; sends once
//! at a time; shows the result.
//!
//! Screen readers tell each error once: as the description of the field that gets the focus, or
//! when a field is left. See [`crate::ui::field_note`].
//!
//! It is like `ActionForm` of Leptos, with validation: a plain `<form>` that posts to the server
//! function until scripts run. (`ActionForm` decodes the fields with `serde_qs`, 7 KB for every
//! visitor. Here each island reads its own fields.)

use crate::{
    browser,
    ui::{
        event_target::target_as,
        field_note::{Role, announce},
        form_action,
        form_action::FormAction,
        form_values::FormValues,
        notice::problem_notice,
        part::part,
    },
};
use countersign_types::{Field, FieldError, FieldErrors, Problem};
use leptos::{
    children::TypedChildren,
    ev,
    prelude::*,
    web_sys::{EventTarget, HtmlElement, HtmlInputElement},
};

pub(super) use crate::ui::form_values::input_name;

/// The context that the fields and the button of a form share.
///
/// Signals are accessed with `try_…`. A form that is replaced by a message may receive a `focusout`
/// event after its signals are disposed.
#[derive(Clone, Copy)]
pub(super) struct FormContext {
    /// The errors of the current values.
    errors: RwSignal<FieldErrors>,
    action: FormAction,
    /// Whether another component shows the problems of the form.
    silent: bool,
}

impl FormContext {
    pub(super) fn is_working(self) -> bool {
        self.action.is_working()
    }

    pub(super) fn is_waiting(self) -> bool {
        self.action.is_waiting()
    }

    pub(super) fn was_accepted(self) -> bool {
        self.action.was_accepted() == Some(true)
    }

    /// Returns the value that the user entered in a field, if the page is rendered because the form
    /// was refused, without scripts.
    #[cfg(feature = "ssr")]
    pub(super) fn entered_value(self, field: Field) -> Option<String> {
        let problem = untrack(|| self.action.problem())?;
        // The form of the previous user contains values of that user.
        let is_own = problem != Problem::SessionMismatch;
        is_own.then(|| crate::request::entered_value(self.action.path, field)).flatten()
    }

    pub(super) fn error_of(self, field: Field) -> Option<FieldError> {
        self.errors.try_with(|errors| errors.get(field)).flatten()
    }

    /// Returns whether the field gets the focus when the page is rendered, without scripts: it is
    /// the first one to correct, or without a problem `is_first`.
    pub(super) fn has_focus(self, field: Field, is_first: bool) -> bool {
        match untrack(|| self.action.problem()) {
            None => is_first,
            Some(Problem::Invalid(errors)) => {
                errors.0.first().is_some_and(|(first, _)| *first == field)
            }
            Some(Problem::EmailTaken | Problem::InvalidCredentials) => field == Field::Email,
            _ => false,
        }
    }

    fn set_error(self, field: Field, error: Option<FieldError>) {
        self.errors.try_update(|errors| {
            errors.0.retain(|(of, _)| *of != field);
            errors.0.extend(error.map(|error| (field, error)));
        });
    }
}

/// The form of a [`FormAction`].
#[component]
pub fn Form<Fields: IntoView + 'static>(
    /// The action that reads, validates and sends the fields.
    action: FormAction,
    /// More classes of the element.
    #[prop(optional)]
    class: &'static str,
    /// Whether another component shows the problems of the form. Without a notice the form isn't
    /// sent again by itself, and doesn't wait for the network.
    #[prop(optional)]
    silent: bool,
    /// The fields and the button.
    children: TypedChildren<Fields>,
) -> impl IntoView {
    // Compiled for each form. Everything else is in functions that are compiled once.
    let context = FormContext::new(action, silent);
    let fields = children.into_inner();
    view! {
        <form
            {..part("form")}
            class=format!("form stack {class}")
            method="post"
            action=action.path
            novalidate=true
            on:submit=move |event| context.on_submit(&event)
            on:focusout=move |event| context.on_focus_out(&event)
            on:input=move |event| context.on_input(&event)
        >
            {notice(action, silent)}
            <leptos::context::Provider value=context>{fields()}</leptos::context::Provider>
        </form>
    }
}

/// Renders the notice of the problem, unless a field shows it.
fn notice(action: FormAction, silent: bool) -> impl IntoView {
    move || {
        action
            .problem()
            .filter(|problem| !silent && !is_shown_at_field(problem))
            .map(problem_notice)
    }
}

fn field_errors(problem: Option<Problem>) -> FieldErrors {
    if let Some(Problem::Invalid(errors)) = problem { errors } else { FieldErrors::default() }
}

impl FormContext {
    fn new(action: FormAction, silent: bool) -> Self {
        let initial = field_errors(untrack(|| action.problem()));
        let context = Self { errors: RwSignal::new(initial), action, silent };
        // Handles results that arrive while the page is open. The page was rendered with the
        // initial one.
        Effect::new(move |rendered: Option<()>| {
            let problem = action.problem();
            if rendered.is_some() {
                context.show_result(problem);
            }
        });
        context
    }

    fn show_result(self, problem: Option<Problem>) {
        if let Some(field) = problem.as_ref().and_then(invalid_field) {
            focus(field);
        }
        if self.was_accepted() {
            // Accepted passwords are not needed any more.
            [Field::Password, Field::CurrentPassword, Field::NewPassword]
                .into_iter()
                .for_each(clear);
        }
        self.errors.try_set(field_errors(problem));
    }

    fn validate(self, input: &HtmlInputElement, field: Field) {
        if let Some(values) = input.form().as_ref().and_then(FormValues::of) {
            self.set_error(field, self.action.check(&values).get(field));
        }
    }

    fn on_submit(self, event: &ev::SubmitEvent) {
        // Before hydration the browser submits the form itself.
        let Some(values) = target_as(event.target())
            .as_ref()
            .and_then(FormValues::of)
            .filter(|_| browser::is_hydrated())
        else {
            return;
        };
        event.prevent_default();
        if !untrack(|| self.is_working()) {
            let errors = self.action.check(&values);
            if let Some((first, _)) = errors.0.first() {
                focus(*first);
            } else {
                self.send(values);
            }
            self.errors.try_set(errors);
        }
    }

    fn send(self, values: FormValues) {
        if self.silent {
            form_action::stop_waiting();
            self.action.send(values);
        } else {
            self.action.send_when_online(values);
        }
    }

    /// Validates a field when the focus moves from it to another one, unless it is empty. An error
    /// message moves what is below, and a click on a button, a link or a checkbox would miss it.
    fn on_focus_out(self, event: &ev::FocusEvent) {
        let Some((_, next)) = field_of(event.related_target()) else { return };
        announce(next, Role::Description);
        if let Some((input, field)) = field_of(event.target())
            && !input.value().is_empty()
        {
            announce(field, Role::LiveDescription);
            self.validate(&input, field);
        }
    }

    /// An error disappears as soon as it is corrected, but appears only when the field loses the
    /// focus.
    fn on_input(self, event: &ev::Event) {
        self.action.clear_success();
        if let Some((input, field)) = field_of(event.target())
            && self.errors.try_with_untracked(|errors| errors.get(field)).flatten().is_some()
        {
            self.validate(&input, field);
        }
    }
}

/// Returns whether the error message of a single field says everything. That field also gets the
/// focus.
fn is_shown_at_field(problem: &Problem) -> bool {
    matches!(problem, Problem::Invalid(errors) if errors.0.len() == 1)
}

/// Returns the field that a problem is about. Clears it if it is an incorrect password, which must
/// be typed again anyway.
fn invalid_field(problem: &Problem) -> Option<Field> {
    let (field, is_incorrect) = match problem {
        Problem::Invalid(errors) => {
            errors.0.first().map(|(field, error)| (*field, *error == FieldError::Incorrect))?
        }
        Problem::EmailTaken => (Field::Email, false),
        Problem::InvalidCredentials => (Field::Password, true),
        _ => return None,
    };
    if is_incorrect {
        clear(field);
    }
    Some(field)
}

fn clear(field: Field) {
    if let Some(input) = browser::input(field.name()) {
        input.set_value("");
    }
}

/// Focuses a field. One that has the focus gets it again, or screen readers would not read its new
/// description.
fn focus(field: Field) {
    announce(field, Role::Description);
    if let Some(input) = browser::input(field.name()) {
        let _ = HtmlElement::blur(&input);
        let _ = HtmlElement::focus(&input);
    }
}

fn field_of(target: Option<EventTarget>) -> Option<(HtmlInputElement, Field)> {
    let input: HtmlInputElement = target_as(target)?;
    let id = input.id();
    let field = Field::ALL.into_iter().find(|field| field.name() == id)?;
    Some((input, field))
}
