//! A form: checks fields as they are left and all of them before anything is sent, sends once, and shows what came of it.
//!
//! It is what Leptos' `ActionForm` is, with the check in the middle: a plain `<form>` that posts to the server function by itself until, and
//! unless, scripts run. Both ways end in the same words: the action starts with the problem that a plain form has left in the address.

use super::notice::problem_notice;
use crate::problem::Problem;
use contract::{Fault, Faults, Field};
use leptos::{
    ev,
    form::FromFormData,
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::{EventTarget, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, HtmlInputElement},
};

/// What the fields and the button of a form share.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// What is wrong with the fields as they stand.
    faults: RwSignal<Faults>,
    /// It has been sent, and there is no answer yet.
    pub(super) working: Memo<bool>,
}

impl State {
    pub(super) fn fault_of(self, field: Field) -> Memo<Option<Fault>> {
        Memo::new(move |_| self.faults.with(|faults| faults.of(field)))
    }

    /// Whether this is the first field that is wrong when the page is rendered: it gets the focus, without any script.
    pub(super) fn is_first(self, field: Field) -> bool {
        self.faults.with_untracked(|faults| faults.0.first().is_some_and(|(first, _)| *first == field))
    }

    fn set(self, field: Field, fault: Option<Fault>) {
        self.faults.update(|faults| {
            faults.0.retain(|(of, _)| *of != field);
            faults.0.extend(fault.map(|fault| (field, fault)));
        });
    }
}

/// What differs from form to form. Everything else is compiled once, not once for each server function.
struct Parts {
    path: &'static str,
    problem: Signal<Option<Problem>>,
    working: Memo<bool>,
    /// What is wrong with what stands in the form.
    check: Box<dyn Fn(&HtmlFormElement) -> Faults + Send + Sync>,
    /// `false`: it could not be read.
    send: Box<dyn Fn(&HtmlFormElement) -> bool + Send + Sync>,
}

/// Calls `action` with what stands in the fields, if `check` finds nothing wrong with it. `silent`: somebody else says what went wrong.
#[component]
pub fn Form<Call>(
    action: ServerAction<Call>,
    check: fn(&Call) -> Faults,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] silent: bool,
    children: Children,
) -> impl IntoView
where
    Call: ServerFn<Error = Problem> + FromFormData + Clone + Send + Sync + 'static,
    Call::Output: Send + Sync + 'static,
{
    let value = action.value();
    let parts = Parts {
        path: Call::PATH,
        // Not a memo: the same refusal again is news again.
        problem: Signal::derive(move || value.with(|value| value.as_ref().and_then(|value| value.as_ref().err().cloned()))),
        working: action.pending(),
        check: Box::new(move |form| read::<Call>(form).as_ref().map(check).unwrap_or_default()),
        send: Box::new(move |form| read(form).map(|call| action.dispatch(call)).is_some()),
    };
    frame(parts, class, silent, children)
}

fn read<Call: FromFormData>(form: &HtmlFormElement) -> Option<Call> {
    Call::from_form_data(&FormData::new_with_form(form).ok()?).ok()
}

fn frame(parts: Parts, class: &'static str, silent: bool, children: Children) -> AnyView {
    let Parts { path, problem, working, check, send } = parts;
    let check = StoredValue::new(check);
    let faults = |problem: Option<Problem>| if let Some(Problem::Invalid(faults)) = problem { faults } else { Faults::default() };
    let state = State { faults: RwSignal::new(faults(problem.get_untracked())), working };

    // Answers that come while the page is open. The one that it was rendered with is in its place already.
    Effect::new(move |rendered: Option<()>| {
        let problem = problem.get();
        if rendered.is_some() {
            if let Some(field) = problem.as_ref().and_then(concerns) {
                focus(field);
            }
            state.faults.set(faults(problem));
        }
    });

    let submit = move |event: ev::SubmitEvent| {
        let Some(form) = element::<HtmlFormElement>(event.target()) else { return };
        if !working.get_untracked() {
            let found = check.with_value(|check| check(&form));
            if let Some((first, _)) = found.0.first() {
                focus(*first);
            } else if !send(&form) {
                return; // the browser sends it by itself
            }
            state.faults.set(found);
        }
        event.prevent_default();
    };
    let look_again = move |input: &HtmlInputElement, field: Field| {
        if let Some(form) = input.form() {
            state.set(field, check.with_value(|check| check(&form)).of(field));
        }
    };
    // A field that is left is checked, unless it was only passed by, or is left for a button: moving that would make the press miss it.
    let left = move |event: ev::FocusEvent| {
        if let Some((input, field)) = field_of(event.target())
            && !input.value().is_empty()
            && element::<HtmlButtonElement>(event.related_target()).is_none()
        {
            look_again(&input, field);
        }
    };
    // A fault goes away as soon as it is mended, and does not come before the field is left.
    let typed = move |event: ev::Event| {
        if let Some((input, field)) = field_of(event.target())
            && state.faults.with_untracked(|faults| faults.of(field).is_some())
        {
            look_again(&input, field);
        }
    };

    view! {
        <form
            class=format!("form stack {class}")
            method="post"
            action=path
            novalidate=true
            on:submit=submit
            on:focusout=left
            on:input=typed
        >
            {move || problem.get().filter(|_| !silent).map(|problem| problem_notice(&problem))}
            <leptos::context::Provider value=state>{children()}</leptos::context::Provider>
        </form>
    }
    .into_any()
}

/// The field that a refusal is about. A password that was refused is taken out: it has to be typed again anyhow.
fn concerns(problem: &Problem) -> Option<Field> {
    match problem {
        Problem::Invalid(faults) => faults.0.first().map(|(field, _)| *field),
        Problem::EmailTaken => Some(Field::Email),
        Problem::Credentials => {
            if let Some(input) = input_of(Field::Password) {
                input.set_value("");
            }
            Some(Field::Password)
        }
        _ => None,
    }
}

fn focus(field: Field) {
    if let Some(input) = input_of(field) {
        let _ = HtmlElement::focus(&input);
    }
}

fn input_of(field: Field) -> Option<HtmlInputElement> {
    document().get_element_by_id(field.name())?.dyn_into().ok()
}

fn field_of(target: Option<EventTarget>) -> Option<(HtmlInputElement, Field)> {
    let input: HtmlInputElement = element(target)?;
    let id = input.id();
    let field = [Field::Email, Field::Password, Field::Name].into_iter().find(|field| field.name() == id)?;
    Some((input, field))
}

fn element<Kind: JsCast>(target: Option<EventTarget>) -> Option<Kind> {
    target?.dyn_into().ok()
}
