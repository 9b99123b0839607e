//! A form: checks fields as they are left and all of them before anything is sent, sends once, and shows what came of it.
//!
//! It is what Leptos' `ActionForm` is, with the check in the middle: a plain `<form>` that posts to the server function by itself until, and
//! unless, scripts run. Both ways end in the same words: the action starts with the problem that a plain form has left in the address.
//! (`ActionForm` takes the fields apart with `serde_qs`, which is 7 KB for every visitor; here each page says which field goes where.)

use super::notice::problem_notice;
use crate::problem::Problem;
use crate::solid::IntoSolid;
use contract::{Fault, Faults, Field};
use leptos::{
    ev,
    prelude::*,
    server_fn::ServerFn,
    wasm_bindgen::JsCast,
    web_sys::{EventTarget, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, HtmlInputElement},
};
use std::sync::Arc;

/// What the fields and the button of a form share.
///
/// Read with `try_…`: a form that is about to be replaced, because what it was made for is being read again, may be told of the answer to its
/// action when its own signals are gone already.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// What is wrong with the fields as they stand.
    faults: RwSignal<Faults>,
    /// It has been sent, and there is no answer yet.
    working: Memo<bool>,
}

impl State {
    pub(super) fn is_working(self) -> bool {
        self.working.try_get().unwrap_or_default()
    }

    pub(super) fn fault_of(self, field: Field) -> Option<Fault> {
        self.faults.try_with(|faults| faults.of(field)).flatten()
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
    problem: Arc<dyn Fn() -> Option<Problem> + Send + Sync>,
    working: Memo<bool>,
    /// What is wrong with what stands in the fields.
    check: Arc<dyn Fn(&Fields) -> Faults + Send + Sync>,
    send: Box<dyn Fn(&Fields) + Send + Sync>,
}

/// What stands in the fields of a form.
pub struct Fields(FormData);

impl Fields {
    fn of(form: &HtmlFormElement) -> Option<Self> {
        FormData::new_with_form(form).ok().map(Self)
    }

    /// The text in one of them; none if there is no such field.
    pub fn text(&self, name: &str) -> String {
        self.0.get(&input_name(name)).as_string().unwrap_or_default()
    }
}

/// Server functions take their form as one argument of that name.
pub(super) fn input_name(field: &str) -> String {
    format!("form[{field}]")
}

/// Calls `action` with what `read` makes of the fields, if `check` finds nothing wrong with it. `silent`: somebody else says what went wrong.
#[component]
pub fn Form<Call>(
    action: ServerAction<Call>,
    read: fn(&Fields) -> Call,
    check: fn(&Call) -> Faults,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] silent: bool,
    children: crate::solid::SolidChildren,
) -> impl IntoView
where
    Call: ServerFn<Error = Problem> + Clone + Send + Sync + 'static,
    Call::Output: Send + Sync + 'static,
{
    let value = action.value();
    let parts = Parts {
        path: Call::PATH,
        // Not a memo: the same refusal again is news again.
        problem: Arc::new(move || value.try_with(|value| value.as_ref()?.as_ref().err().cloned()).flatten()),
        working: action.pending(),
        check: Arc::new(move |fields| check(&read(fields))),
        send: Box::new(move |fields| _ = action.dispatch(read(fields))),
    };
    frame(parts, class, silent, children)
}

fn frame(parts: Parts, class: &'static str, silent: bool, children: crate::solid::SolidChildren) -> AnyView {
    let Parts { path, problem, working, check, send } = parts;
    let faults = |problem: Option<Problem>| if let Some(Problem::Invalid(faults)) = problem { faults } else { Faults::default() };
    let state = State { faults: RwSignal::new(faults(untrack(|| problem()))), working };

    // Answers that come while the page is open. The one that it was rendered with is in its place already.
    let answer = problem.clone();
    Effect::new(move |rendered: Option<()>| {
        let problem = answer();
        if rendered.is_some() {
            if let Some(field) = problem.as_ref().and_then(concerns) {
                focus(field);
            }
            state.faults.set(faults(problem));
        }
    });

    let look_again = Arc::new({
        let check = check.clone();
        move |input: &HtmlInputElement, field: Field| {
            if let Some(fields) = input.form().as_ref().and_then(Fields::of) {
                state.set(field, check(&fields).of(field));
            }
        }
    });
    let submit = move |event: ev::SubmitEvent| {
        // Else the browser sends it by itself.
        let Some(fields) = element(event.target()).as_ref().and_then(Fields::of) else { return };
        event.prevent_default();
        if !working.try_get_untracked().unwrap_or_default() {
            let found = check(&fields);
            if let Some((first, _)) = found.0.first() {
                focus(*first);
            } else {
                send(&fields);
            }
            state.faults.set(found);
        }
    };
    // A field that is left is checked, unless it was only passed by, or is left for a button: moving that would make the press miss it.
    let look = look_again.clone();
    let left = move |event: ev::FocusEvent| {
        if let Some((input, field)) = field_of(event.target())
            && !input.value().is_empty()
            && element::<HtmlButtonElement>(event.related_target()).is_none()
        {
            look(&input, field);
        }
    };
    // A fault goes away as soon as it is mended, and does not come before the field is left.
    let typed = move |event: ev::Event| {
        if let Some((input, field)) = field_of(event.target())
            && state.faults.try_with_untracked(|faults| faults.of(field)).flatten().is_some()
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
            {move || problem().filter(|_| !silent).map(problem_notice)}
            <leptos::context::Provider value=state>{children.view()}</leptos::context::Provider>
        </form>
    }
    .solid()
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
