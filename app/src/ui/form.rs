//! A form: checks fields as they are left and all of them before anything is sent, sends once, and
//! shows what came of it.
//!
//! It is what Leptos' `ActionForm` is, with the check in the middle: a plain `<form>` that posts to
//! the server function by itself until, and unless, scripts run. (`ActionForm` takes the fields
//! apart with `serde_qs`, which is 7 KB for every visitor; here each page says which field goes
//! where.)

use super::{layer::element, notice::problem_notice, sending::Sending};
use crate::{browser, problem::Problem};
use countersign_types::{Fault, Faults, Field};
use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{
        EventTarget, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, HtmlInputElement,
    },
};

/// What the fields and the button of a form share.
///
/// Read and written with `try_…`: a form that is about to be replaced, because what it was made for
/// is being read again, may be told of the answer to its action, or that it loses the focus, when
/// its own signals are gone already.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// What is wrong with the fields as they stand.
    faults: RwSignal<Faults>,
    sending: Sending,
}

impl State {
    pub(super) fn is_working(self) -> bool {
        self.sending.is_working()
    }

    pub(super) fn was_accepted(self) -> bool {
        self.sending.was_accepted() == Some(true)
    }

    pub(super) fn fault_of(self, field: Field) -> Option<Fault> {
        self.faults.try_with(|faults| faults.of(field)).flatten()
    }

    /// Whether this is where to begin again when the page is rendered: it gets the focus, without
    /// any script. What was typed is not there any more.
    pub(super) fn is_first(self, field: Field) -> bool {
        match untrack(|| self.sending.problem()) {
            Some(Problem::Invalid(faults)) => {
                faults.0.first().is_some_and(|(first, _)| *first == field)
            }
            Some(Problem::EmailTaken | Problem::Credentials) => field == Field::Email,
            _ => false,
        }
    }

    fn set(self, field: Field, fault: Option<Fault>) {
        self.faults.try_update(|faults| {
            faults.0.retain(|(of, _)| *of != field);
            faults.0.extend(fault.map(|fault| (field, fault)));
        });
    }
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

/// The form of a [`Sending`]. `silent`: somebody else says what went wrong.
#[component]
pub fn Form(
    sending: Sending,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] silent: bool,
    children: crate::solid::SolidChildren,
) -> impl IntoView {
    let faults = |problem: Option<Problem>| {
        if let Some(Problem::Invalid(faults)) = problem { faults } else { Faults::default() }
    };
    let state = State { faults: RwSignal::new(faults(untrack(|| sending.problem()))), sending };

    // Answers that come while the page is open. The one that it was rendered with is in its place
    // already.
    Effect::new(move |rendered: Option<()>| {
        let problem = sending.problem();
        if rendered.is_some() {
            if let Some(field) = problem.as_ref().and_then(concerns) {
                focus(field);
            }
            if sending.was_accepted() == Some(true) {
                // They have done what they were typed for.
                [Field::Password, Field::Current, Field::New].into_iter().for_each(clear);
            }
            state.faults.try_set(faults(problem));
        } else {
            // The fields are there.
            crate::drafts::restore();
        }
    });

    let look_again = move |input: &HtmlInputElement, field: Field| {
        if let Some(fields) = input.form().as_ref().and_then(Fields::of) {
            state.set(field, sending.check(&fields).of(field));
        }
    };
    let submit = move |event: ev::SubmitEvent| {
        // Else the browser sends it by itself.
        let Some(fields) = element(event.target())
            .as_ref()
            .and_then(Fields::of)
            .filter(|_| browser::is_hydrated())
        else {
            return;
        };
        event.prevent_default();
        if !untrack(|| sending.is_working()) {
            let found = sending.check(&fields);
            if let Some((first, _)) = found.0.first() {
                focus(*first);
            } else {
                sending.send(&fields);
            }
            state.faults.try_set(found);
        }
    };
    // A field that is left is checked, unless it was only passed by, or is left for a button:
    // moving that would make the press miss it.
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
        sending.is_past();
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
            action=sending.path
            novalidate=true
            on:submit=submit
            on:focusout=left
            on:input=typed
        >
            {move || sending.problem().filter(|problem| !silent && !is_said_at_field(problem)).map(problem_notice)}
            <leptos::context::Provider value=state>{children.view()}</leptos::context::Provider>
        </form>
    }
}

/// Whether the note of the one field concerned says all of it: that field also gets the focus.
fn is_said_at_field(problem: &Problem) -> bool {
    matches!(problem, Problem::Invalid(faults) if faults.0.len() == 1)
}

/// The field that a refusal is about. A password that was refused is taken out: it has to be typed
/// again anyhow.
fn concerns(problem: &Problem) -> Option<Field> {
    let (field, wrong) = match problem {
        Problem::Invalid(faults) => {
            faults.0.first().map(|(field, fault)| (*field, *fault == Fault::Wrong))?
        }
        Problem::EmailTaken => (Field::Email, false),
        Problem::Credentials => (Field::Password, true),
        _ => return None,
    };
    if wrong {
        clear(field);
    }
    Some(field)
}

fn clear(field: Field) {
    if let Some(input) = input_of(field) {
        input.set_value("");
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
    let field = Field::ALL.into_iter().find(|field| field.name() == id)?;
    Some((input, field))
}
