//! What is said about a whole form or a whole page.

use super::said::said;
use crate::solid::IntoSolid;
use crate::{address, browser, problem::Problem, words};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// How a [`Notice`] sounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Good to know; said when there is a pause.
    News,
    /// Something did not work; said at once.
    Problem,
}

/// A box with something to say, which is also read out when it appears.
#[component]
pub fn Notice(tone: Tone, children: crate::solid::SolidChildren) -> impl IntoView {
    let (name, role) = match tone {
        Tone::News => ("news", "status"),
        Tone::Problem => ("problem", "alert"),
    };
    view! {
        <div class="notice" data-tone=name role=role>
            {children.view()}
        </div>
    }
}

/// A problem in words. The faults of fields are listed as links to them, for those who cannot see
/// where on the page they are.
pub fn problem_notice(problem: Problem) -> AnyView {
    let (title, words_of) = (words::title(&problem), words::problem(&problem));
    let more = match problem {
        Problem::Invalid(faults) => {
            let faults = faults.0.into_iter().map(|(field, fault)| {
                // `external` leaves the link to the browser, which moves the focus; the router would only scroll.
                view! { <li><a href=format!("#{}", field.name()) rel="external">{words::fault(field, fault)}</a></li> }
            });
            view! { <ul>{faults.collect_view()}</ul> }.solid()
        }
        Problem::Internal { id } if !id.is_empty() => view! {
            <p>{words_of}</p>
            <p class="small">{said(words::REFERENCE, view! { <code>{id}</code> })}</p>
        }
        .solid(),
        Problem::EmailTaken => {
            let search = use_location().search.get_untracked();
            let next = address::value(&search, "next")
                .map(|next| format!("?next={next}"))
                .unwrap_or_default();
            let link = view! { <a href=format!("{}{next}", address::LOG_IN)>{words::LOG_IN}</a> };
            view! { <p>{said(words::EMAIL_TAKEN, link)}</p> }.solid()
        }
        _ => view! { <p>{words_of}</p> }.solid(),
    };
    view! {
        <Notice tone=Tone::Problem>
            <p>{title}</p>
            {more}
        </Notice>
    }
    .solid()
}

/// Stands where something should be that could not be had. Without scripts "Try again" loads the
/// page again.
#[component]
pub fn Trouble(problem: Problem, again: Box<dyn Fn() + Send>) -> impl IntoView {
    let again = move |event: leptos::ev::MouseEvent| {
        if browser::is_hydrated() {
            event.prevent_default();
            again();
        }
    };
    view! {
        {problem_notice(problem)}
        <a class="button quiet" href="" on:click=again>{words::TRY_AGAIN}</a>
    }
}
